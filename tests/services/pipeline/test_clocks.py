"""A worker whose clock was wrong, from a delivery to what is applied, and the next one whose clock is right."""

from __future__ import annotations

from app.dispatch import clock
from app.domain.errors import PlatformUnavailable
from app.domain.time import DAY, SECOND
from app.services.pipeline import due, enforce, intake
from app.services.pipeline.moderate import Moderator
from app.services.rules import policies
from tests.support.core import Bench

BLOCKING = [{"category": "sexual.explicit_nudity", "review": 0.3, "block": 0.6, "mode": "enforce"}]
AHEAD_SECONDS = 400 * DAY // SECOND


def work(bench: Bench, moderator: Moderator) -> None:
    due.look(bench.core)
    clock.run_due(bench.core)
    while moderator.run_next() or enforce.run_next(bench.core):
        bench.clock.pass_seconds(0.01)


def test_what_a_clock_put_off_for_a_year_is_done_within_minutes(bench: Bench) -> None:
    site, moderator = bench.site(), Moderator(bench.core)
    policies.save(bench.core, site.id, BLOCKING, "owner")
    for name in ("told", "found"):
        bench.judge.tell(name.encode(), "sexual.explicit_nudity", 0.95)
    bench.platform.images["told"] = b"told"
    bench.platform.trouble |= {name: PlatformUnavailable("away") for name in ("apply", "scan")}
    bench.clock.pass_seconds(AHEAD_SECONDS)
    intake.receive(bench.core, "paper", bench.uploaded(site, "e1", "told"))
    work(bench, moderator)
    assert bench.platform.hidden == set()

    bench.clock.pass_seconds(-AHEAD_SECONDS)
    bench.platform.trouble.clear()
    bench.platform.images["found"] = b"found"  # and nobody tells of it
    for _ in range(5):
        work(bench, moderator)
        bench.clock.pass_seconds(60)
    assert bench.platform.hidden == {"told", "found"}
