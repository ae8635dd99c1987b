"""Programs that ask the API: each answer is compared with what the document says about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask import Flask
from jsonschema import Draft202012Validator, FormatChecker
from werkzeug.test import TestResponse

from app.domain.platform import Site
from app.services.people import tokens
from app.services.people.tokens import Scope
from app.services.rules import policies
from app.web.api import document
from app.web.api.operations import BASE, OPERATIONS, Operation
from tests.support.core import Bench
from tests.web.visitor import decided, judged

DOCUMENT = document.document()

BY_NAME = {made.name: made for made in OPERATIONS}


def check(made: Operation, answer: TestResponse) -> None:
    """Compare an answer with the document: its status, its type, its content."""
    described = DOCUMENT["paths"][made.path][made.method.lower()]["responses"]
    assert str(answer.status_code) in described, f"{made.name} answered {answer.status_code}: {answer.text}"
    content = described[str(answer.status_code)].get("content")
    if content is None:
        assert answer.data == b""
        return
    ((kind, shape),) = content.items()
    assert answer.content_type == kind
    # The schemas refer to each other within the document, so that it is the root of what is checked against.
    schema = {**shape["schema"], "components": DOCUMENT["components"]}
    errors = list(Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(json.loads(answer.data)))
    assert errors == []


@dataclass
class Program:
    """Hold a token and send requests with it."""

    application: Flask
    token: str

    def call(self, name: str, *, query: dict[str, Any] | None = None, body: Any = None, **parts: Any) -> TestResponse:
        """Call an operation by its name, and check the answer against the document."""
        made = BY_NAME[name]
        path = BASE + made.path.format(**parts)
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        answer = self.application.test_client().open(
            path, method=made.method, query_string=query, data=data, headers={**headers, "Content-Type": "application/json"}
        )
        check(made, answer)
        return answer


_RULES = [
    {"category": "sexual.explicit_nudity", "review": 0.3, "block": 0.6, "mode": "enforce"},
    {"category": "csae.known_hash", "review": 0.3, "mode": "enforce"},
    {"category": "self_harm", "review": 0.3, "mode": "enforce"},
]


@dataclass
class World:
    """Hold two sites with decisions, and make programs."""

    bench: Bench
    application: Flask
    site: Site
    other: Site
    blocked: int
    waiting: int
    allowed: int
    theirs: int

    def program(self, *scopes: Scope, site_id: str = "") -> Program:
        """Make a token, with every scope unless some are named."""
        made = tokens.make(self.bench.core, "nightly", scopes or tuple(Scope), "Ada", site_id=site_id)
        return Program(self.application, made[1])

    def seen(self, name: str, category: str, score: float = 0.5) -> int:
        """Have a picture judged on the first site in which this category is seen; give the decision."""
        data = f"picture {name}".encode()
        self.bench.platform.images[name] = data
        self.bench.judge.tell(data, category, score)
        return judged(self.bench, self.site, name)


def make_world(bench: Bench, application: Flask) -> World:
    sites = bench.site(), bench.site()
    for site in sites:
        policies.save(bench.core, site.id, _RULES, "owner")
    site, other = sites
    blocked, waiting = decided(bench, site, "blocked", 0.9), decided(bench, site, "waiting", 0.4)
    allowed, theirs = decided(bench, site, "allowed", 0.1), decided(bench, other, "theirs", 0.4)
    return World(bench, application, site, other, blocked, waiting, allowed, theirs)
