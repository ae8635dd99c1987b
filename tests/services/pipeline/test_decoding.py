"""Whatever becomes of the process that decodes a picture, a person is asked, and the next picture is judged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.dispatch import clock
from app.domain.decisions import Verdict
from app.services.pipeline import moderate
from app.services.pipeline.moderate import Moderator
from app.services.review import showing
from app.services.rules import policies
from models.judge import LocalJudge
from models.sandbox import BOUNDS, TASKS, Bounds, Sandbox
from tests.services.pipeline.test_moderate import ENFORCED, settle, upload, verdict
from tests.support.core import Bench
from tests.unit.models.drawn import encoded, halves

LARGE = encoded(halves(5000, 4000).convert("P"), "PNG", optimize=True)
SMALL = encoded(halves(20, 10), "PNG")
SCANTY = replace(BOUNDS, memory_bytes=15_000_000)

ENDINGS: dict[str, tuple[Bounds, dict[str, str], str]] = {
    "segfault": (BOUNDS, {"picture": "tests.unit.models.misbehaving:segfault"}, "ended by it"),
    "killed": (BOUNDS, {"picture": "tests.unit.models.misbehaving:kill_myself"}, "ended by it"),
    "out of time": (replace(BOUNDS, cpu_seconds=1), {"picture": "tests.unit.models.misbehaving:spins"}, "ended by it"),
    "out of memory": (SCANTY, dict(TASKS), "not enough memory"),
}


def judged_by(bench: Bench, judge: LocalJudge) -> Any:
    return Moderator(replace(bench.core, judge=lambda: judge, limits=replace(bench.core.limits, max_image_bytes=20_000_000)))


@pytest.mark.parametrize("how", ENDINGS)
def test_a_person_is_asked(bench: Bench, how: str) -> None:
    bounds, tasks, why = ENDINGS[how]
    site = bench.site()
    made = Sandbox(bounds, tasks)
    upload(bench, site, "1", LARGE)
    assert judged_by(bench, LocalJudge(sandbox=made)).run_next()
    made.close()
    assert verdict(bench, site, "1") is Verdict.REVIEW
    (reason,) = showing.recent(bench.core, site.id)[0].decision.reasons
    assert reason.category == "unsafe.file" and why in reason.text


def test_the_control(bench: Bench) -> None:
    """With enough memory the large picture is judged, and with little the small one is."""
    site = bench.site()
    for name, data, bounds in (("1", LARGE, BOUNDS), ("2", SMALL, SCANTY)):
        made = Sandbox(bounds)
        upload(bench, site, name, data)
        assert judged_by(bench, LocalJudge(sandbox=made)).run_next()
        made.close()
        assert verdict(bench, site, name) is Verdict.ALLOW


def test_what_an_earlier_decoding_saw_is_looked_at_anew_when_it_is_asked_for_and_not_before(bench: Bench) -> None:
    """Nothing changes by the upgrade, and a policy is still replayed over what was seen."""
    site, data = bench.site(), b"judged before"
    policies.save(bench.core, site.id, ENFORCED, "owner")
    bench.judge.tell(data, "sexual.explicit_nudity", 0.9)
    upload(bench, site, "1", data)
    settle(bench)
    assert bench.platform.hidden == {"1"} and len(bench.judge.looked) == 1
    bench.judge.decoding = 2
    settle(bench)
    assert bench.platform.hidden == {"1"} and len(bench.judge.looked) == 1
    policies.save(bench.core, site.id, [], "owner")
    clock.run_due(bench.core)
    settle(bench)
    assert bench.platform.hidden == set() and len(bench.judge.looked) == 1
    for expected in (2, 2):
        assert moderate.rejudge(bench.core, site.id, "1")
        settle(bench)
        assert len(bench.judge.looked) == expected
