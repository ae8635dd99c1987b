"""The admin of a shop, as our pages meet it: Shopify's stand-in for what is behind them, real session tokens in front."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.platform import Site
from app.domain.signals import Signal
from app.factory import utc_now
from app.services.pipeline import enforce
from app.services.pipeline.moderate import Moderator
from app.services.review import showing
from app.services.rules import policies
from app.services.sites import sites
from app.web.application import make_application
from integrations.shopify import PLATFORM
from integrations.shopify.config import Config
from tests.integrations.shopify.stand_in import CLIENT_ID, CLIENT_SECRET, Shop, Shopify
from tests.support.core import Bench
from tests.support.surroundings import made

ONE, TWO = "one.myshopify.com", "two.myshopify.com"


class Everywhere(dict[str, tuple[Signal, ...]]):
    """Say the same of every picture."""

    def __init__(self, seen: tuple[Signal, ...]) -> None:
        self._seen = seen

    def get(self, *_: Any) -> Any:
        return self._seen


@dataclass
class Admin:
    """Be the admin of the shops: open our pages with the tokens that Shopify would give."""

    shopify: Shopify
    bench: Bench
    application: Flask

    @property
    def client(self) -> FlaskClient:
        return self.application.test_client(use_cookies=True)

    def token(self, shop: str = ONE, **over: Any) -> str:
        return str(self.shopify.id_token(shop, **over))

    def open(self, page: str = "", shop: str = ONE, token: str | None = None, **more: str) -> TestResponse:
        asked = {"embedded": "1", "shop": shop, "host": "YWRtaW4", "id_token": self.token(shop) if token is None else token}
        return self.client.get(f"/embedded/shopify{page}", query_string={**asked, **more})

    def send(self, action: str, body: Any = None, shop: str = ONE, token: str | None = None) -> TestResponse:
        bearer = {"Authorization": f"Bearer {self.token(shop) if token is None else token}"}
        return self.client.post(f"/embedded/shopify/{action}", json=body if body is not None else {}, headers=bearer)

    def site(self, shop: str = ONE) -> Site:
        """Connect a shop by its administrator's first visit."""
        assert self.open(shop=shop).status_code == 200
        row = next(row for row in sites.listing(self.bench.core) if row.key == shop)
        return sites.get(self.bench.core, row.id)

    def judged(self, shop: Shop, score: float, category: str = "sexual.explicit_nudity") -> int:
        """Have a product of this shop judged and acted upon; give its decision."""
        site = self.site(shop.domain)
        rules = [{"category": category, "review": 0.3, "block": 0.6, "mode": "enforce"}]
        policies.save(self.bench.core, site.id, rules, "owner")
        self.bench.judge.sees = Everywhere((Signal("told", "1", category, score),))
        shop.add_product(images=1)
        for webhook in self.shopify.webhooks.pending:
            if webhook.topic.startswith("products/") and webhook.shop == shop.domain:
                self.client.post("/webhooks/shopify", data=webhook.body, headers=webhook.headers)
        moderator = Moderator(self.bench.core)
        while moderator.run_next() or enforce.run_next(self.bench.core):
            pass
        return showing.recent(self.bench.core, site.id, restricted=True)[0].decision.id


@contextmanager
def opened_admin(bench: Bench) -> Iterator[Admin]:
    """Install the app in two shops, and stand where their administrators stand."""
    with Shopify() as shopify:
        shopify.open_shop(ONE)
        shopify.open_shop(TWO)
        config = Config(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, admin_origin=shopify.origin, cdn_hosts="127.0.0.1")
        core = bench.core
        bench.clock.at = utc_now()
        platform = made(PLATFORM, config, public_url=core.public_url, credentials=core.credentials)
        limits = replace(core.limits, max_image_bytes=10**6)
        bench.core = replace(core, platforms={**core.platforms, "shopify": platform}, limits=limits)
        application = make_application(bench.core, max_body_bytes=40_000)
        application.testing = True
        yield Admin(shopify, bench, application)
