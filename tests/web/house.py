"""Two sites with a row behind every argument that addresses have, and visitors of every role: for tests of all routes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from flask import Flask
from PIL import Image
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.domain.decisions import Verdict
from app.domain.errors import PlatformRefused
from app.domain.roles import Right, Role
from app.services.people import accounts, links, sessions, tokens
from app.services.pipeline import enforce
from app.services.review import batches
from app.services.trying import pictures
from app.web.console.guard import needed
from tests.support.core import Bench
from tests.web.visitor import Owner, acting_site, decided

METHODS = ("GET", "POST")

_file = io.BytesIO()
Image.new("RGB", (8, 8)).save(_file, "PNG")
PICTURE = _file.getvalue()

LAST = ("disable", "disconnect", "erase", "sign_out", "sign-out", "undo", "batch")
"""What ends the visit or the site, and is tried after the rest."""


@dataclass
class House:
    """Hold two sites with rows of every kind, and let in whom a test wants."""

    bench: Bench
    application: Flask
    owner: Owner
    own: dict[str, Any]
    other: dict[str, Any]

    def routes(self, *methods: str) -> list[tuple[Rule, str, Right | None]]:
        """Give every console route and method with what it declares."""
        rules = sorted(self.application.url_map.iter_rules(), key=lambda rule: (_ends(rule), rule.rule))
        with self.application.app_context():
            return [
                (rule, method, needed(rule.endpoint))
                for rule in rules
                if rule.endpoint.startswith("console.")
                for method in methods or METHODS
                if method in (rule.methods or ())
            ]

    def path(self, rule: Rule, values: dict[str, Any]) -> str:
        unknown = rule.arguments - set(values)
        assert not unknown, f"say in `_rows` or `house` what stands for {unknown} of {rule.rule}"
        return self.application.url_map.bind("localhost").build(rule.endpoint, {name: values[name] for name in rule.arguments})

    def visitor(self, role: Role, *seen: str) -> Owner:
        with self.bench.core.db.write() as connection:
            count = accounts.rows.count(connection)
            person = accounts.rows.add(connection, f"{count}@example.org", f"P{count}", "x", role, 0, seen)
        token = sessions.open_session(self.bench.core, person)
        client = self.application.test_client()
        client.set_cookie("picward", token)
        found = sessions.signed_in(self.bench.core, token)
        assert found is not None
        return Owner(client, found.form_token)

    def ask(self, visitor: Owner, rule: Rule, method: str, values: dict[str, Any]) -> TestResponse:
        path = self.path(rule, values)
        return visitor.get(path) if method == "GET" else visitor.post(path, verdict="allow")


def _ends(rule: Rule) -> int:
    return next((number for number, word in enumerate(LAST, 1) if word in f"{rule.endpoint} {rule.rule}"), 0)


def _rows(bench: Bench, name: str) -> dict[str, Any]:
    """Make a site with a row behind every argument that names something of a site."""
    site = acting_site(bench)
    waiting = decided(bench, site, f"waits-{name}", 0.4)
    bench.platform.trouble["apply"] = PlatformRefused("not allowed there")
    blocked = decided(bench, site, f"parked-{name}", 0.9)
    del bench.platform.trouble["apply"]
    parked = enforce.parked(bench.core, site.id)[0].id
    batch = batches.give(bench.core, [waiting], Verdict.ALLOW, "Somebody else", 0)
    return {
        "site_id": site.id,
        "decision_id": waiting,
        "blocked_id": blocked,
        "parked_id": parked,
        "batch_id": batch,
        "tried_id": pictures.begin(bench.core, PICTURE, 1),
        "version": 2,
    }


def furnish(bench: Bench, application: Flask, owner: Owner) -> House:
    """Make two sites with everything behind them."""
    links.invite(bench.core, "invited@example.org", "reader", [], "Ada")
    invitation = links.invitations(bench.core)[0].id
    program, _ = tokens.make(bench.core, "nightly", list(tokens.Scope), "Ada")
    shared = {
        "what": "retry",
        "wish": "disable",
        "answer": "keep",
        "token": "x",
        "person_id": 1,
        "session_id": "x",
        "invitation_id": invitation,
        "token_id": program,
    }
    return House(bench, application, owner, {**shared, **_rows(bench, "own")}, {**shared, **_rows(bench, "other")})
