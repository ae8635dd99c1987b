"""A shop that does not know us any more, or is shut: its work waits as a whole, and goes on by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select, text

from app.db.tables import metadata
from app.domain.platform import Hold, Site
from app.domain.signals import Signal
from app.domain.time import HOUR
from app.services.pipeline import enforce
from app.services.pipeline.moderate import Moderator
from app.services.rules import policies
from app.services.sites import sites
from tests.integrations.shopify.embedding import ONE, TWO, Admin, Everywhere, opened_admin
from tests.integrations.shopify.stand_in import answers
from tests.support.core import Bench


@pytest.fixture
def admin(bench: Bench) -> Iterator[Admin]:
    with opened_admin(bench) as made:
        yield made


@pytest.fixture
def site(admin: Admin) -> Site:
    """Connect a shop whose every picture its policy hides."""
    site = admin.site()
    rules = [{"category": "sexual.explicit_nudity", "review": 0.3, "block": 0.6, "mode": "enforce"}]
    policies.save(admin.bench.core, site.id, rules, "owner")
    admin.bench.judge.sees = Everywhere((Signal("told", "1", "sexual.explicit_nudity", 0.95),))
    return site


def deliver(admin: Admin) -> None:
    for webhook in list(admin.shopify.webhooks.pending):
        if webhook.topic.startswith("products/"):
            admin.client.post("/webhooks/shopify", data=webhook.body, headers=webhook.headers)
    admin.shopify.webhooks.pending.clear()


def work(admin: Admin) -> None:
    moderator = Moderator(admin.bench.core)
    while moderator.run_next() or enforce.run_next(admin.bench.core):
        pass


def states(admin: Admin, table: str) -> dict[str, int]:
    with admin.bench.core.db.read() as connection:
        column = metadata.tables[table].c.state
        return {state: count for state, count in connection.execute(select(column, func.count()).group_by(column))}


def waiting(admin: Admin) -> int:
    with admin.bench.core.db.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM waiting")).scalar_one())


def row_of(admin: Admin, site: Site) -> Any:
    return next(row for row in sites.listing(admin.bench.core) if row.id == site.id)


def kill(admin: Admin) -> None:
    admin.shopify.shops[ONE].grants.kill()


def revive(admin: Admin) -> None:
    assert admin.open().status_code == 200, "the visit brings what a new token is traded for"


def closed(answer: Any) -> Callable[[Admin], None]:
    return lambda admin: admin.shopify.shops[ONE].script(answer, times=None)


def opened(admin: Admin) -> None:
    """End it, and let the hour pass after which a closed shop is tried again at the latest."""
    admin.shopify.shops[ONE].script(None)
    admin.bench.clock.at += HOUR


ENDS = {
    "its tokens died": (kill, revive, Hold.CREDENTIALS),
    "frozen for its bill": (closed(answers.FROZEN), opened, Hold.REFUSED),
    "locked": (closed(answers.Answer(423)), opened, Hold.REFUSED),
    "a firewall": (closed(answers.Answer(403, {"Content-Type": "text/html"}, b"<html>no</html>")), opened, Hold.REFUSED),
}


@pytest.mark.parametrize("ending", ENDS)
def test_everything_waits_and_goes_on_by_itself(admin: Admin, site: Site, ending: str) -> None:
    shut, open_again, why = ENDS[ending]
    shop = admin.shopify.shops[ONE]
    before = shop.add_product("judged before", images=1)
    deliver(admin)
    assert Moderator(admin.bench.core).run_next()  # its hide waits when the shop shuts
    shut(admin)
    during = [shop.add_product(f"meanwhile {number}", images=1) for number in range(6)]
    deliver(admin)
    for _ in range(60):  # two and a half days: longer than a fetch, or an action, is tried at a shop that only does not answer
        work(admin)
        admin.bench.clock.at += HOUR
    assert len(shop.requests) > 0 and shop.listed(before), "the control: nothing could be hidden"
    assert waiting(admin) == 0, "nothing goes to a person unseen"
    assert states(admin, "enforcements") == {"due": 1} and states(admin, "jobs") == {"done": 1, "due": 6}
    held = row_of(admin, site)
    assert held.held_why is why and "wait" in held.problem
    told = [line for _, _, line in sites.trail(admin.bench.core, site.id, 200) if "its pictures wait" in line]
    assert len(told) == 1, "its owner is told once"
    open_again(admin)
    work(admin)
    assert states(admin, "enforcements") == {"done": 7} and states(admin, "jobs") == {"done": 7}
    assert not [product.title for product in (before, *during) if shop.listed(product)]
    assert waiting(admin) == 0
    well = row_of(admin, site)
    assert (well.held_why, well.held_until, well.problem, well.failures) == (Hold.NONE, 0, "", 0)


def test_a_shop_that_is_throttled_waits_and_another_does_not(admin: Admin, site: Site) -> None:
    other = admin.site(TWO)
    rules = [{"category": "sexual.explicit_nudity", "review": 0.3, "block": 0.6, "mode": "enforce"}]
    policies.save(admin.bench.core, other.id, rules, "owner")
    slow, quick = admin.shopify.shops[ONE], admin.shopify.shops[TWO]
    slow.script(answers.Answer(429, {"Retry-After": "30.0"}), times=None)
    for number in range(20):
        slow.add_product(f"slow {number}", images=1)
    shown = quick.add_product("quick", images=1)
    deliver(admin)
    asked = len(slow.requests)
    work(admin)
    assert not quick.listed(shown)
    assert row_of(admin, site).held_why is Hold.ASKED and states(admin, "jobs")["due"] == 20
    assert len(slow.requests) - asked <= 4, "a shop that asks for a pause is not asked for each of its pictures"
    slow.script(None)
    for _ in range(30):
        admin.bench.clock.at += 40_000_000
        work(admin)
    assert states(admin, "jobs") == {"done": 21} and states(admin, "enforcements") == {"done": 21}


def test_a_visit_to_a_shop_that_is_well_trades_nothing(admin: Admin, site: Site) -> None:
    before = sites.get(admin.bench.core, site.id).credentials
    assert admin.open().status_code == 200
    assert sites.get(admin.bench.core, site.id).credentials == before
