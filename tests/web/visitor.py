"""A person at the console: sends forms with the session's token, and makes pictures that need a decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.dispatch.worker import judge_next
from app.domain.platform import Site
from app.services.people import links, sessions
from app.services.pipeline import enforce, intake
from app.services.pipeline.moderate import Moderator
from app.services.review import showing
from app.services.rules import policies
from tests.support.core import Bench

PASSWORD = "correct horse battery"


@dataclass
class Owner:
    client: FlaskClient
    form_token: str

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def post(self, path: str, **form: str) -> TestResponse:
        return self.client.post(path, data={"form_token": self.form_token, **form})

    def stay(self, bench: Bench, days: int) -> None:
        """Let days pass in which this person looks at a page now and then, so that the session lasts."""
        for _ in range(3 * days):
            bench.clock.pass_seconds(8 * 3600)
            self.get("/account")


def become_owner(bench: Bench, application: Flask) -> Owner:
    link = links.setup_link(bench.core)
    assert link is not None
    person = links.create_owner(bench.core, link.rsplit("/", 1)[1], "ada@example.org", "Ada", PASSWORD)
    token = sessions.open_session(bench.core, person)
    client = application.test_client()
    client.set_cookie("picward", token)
    signed_in = sessions.signed_in(bench.core, token)
    assert signed_in is not None
    return Owner(client, signed_in.form_token)


def acting_site(bench: Bench, **settings: Any) -> Site:
    """Connect a site whose rules act."""
    site = bench.site(**settings)
    rules = [{"category": "sexual.explicit_nudity", "review": 0.3, "block": 0.6, "mode": "enforce"}]
    policies.save(bench.core, site.id, rules, "owner")
    return site


def decided(bench: Bench, site: Site, name: str, score: float) -> int:
    """Upload a picture that gets this score, have it judged and acted upon; give the decision's id."""
    data = f"picture {name}".encode()
    bench.platform.images[name] = data
    bench.judge.tell(data, "sexual.explicit_nudity", score)
    return judged(bench, site, name)


def judged(bench: Bench, site: Site, name: str) -> int:
    """Upload a picture that is there and was told of; give the decision's id."""
    intake.receive(bench.core, "paper", bench.uploaded(site, f"delivery-{name}", name))
    settle(bench)
    bench.clock.pass_seconds(60)
    return next(item.decision.id for item in showing.recent(bench.core, restricted=True) if item.decision.media.id == name)


def settle(bench: Bench) -> None:
    """Have everything judged and acted upon that is due."""
    moderator = Moderator(bench.core)
    while judge_next(moderator) or enforce.run_next(bench.core):
        pass
