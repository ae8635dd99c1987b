"""A disk that is unmounted while a restore is due: all of it waits, nothing is gone or parked, and it goes on when it is back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.dispatch import clock
from app.domain.decisions import Verdict
from app.services.pipeline import due, enforce
from app.services.pipeline.moderate import Moderator
from app.services.review import showing, verdicts
from app.services.rules import policies
from app.services.sites import connecting
from tests.integrations.folder.actions import PLATFORM
from tests.integrations.folder.contract import write
from tests.support.core import Bench

BLOCKING = [{"category": "sexual.explicit_nudity", "review": 0.3, "block": 0.6, "mode": "enforce"}]
PICTURES = {"approved.png": b"approved", "blocked.png": b"blocked"}


def work(bench: Bench, rounds: int) -> None:
    """Do what is due, every five minutes."""
    moderator = Moderator(bench.core)
    for _ in range(rounds):
        due.look(bench.core)
        clock.run_due(bench.core)
        while moderator.run_next() or enforce.run_next(bench.core):
            bench.clock.pass_seconds(0.01)
        bench.clock.pass_seconds(300)


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("left", [True, False], ids=["an empty mount point", "nothing"])
def test_what_is_due_on_a_disk_that_is_away_is_done_when_it_is_back(bench: Bench, directory: Path, left: bool) -> None:
    bench = replace(bench, core=replace(bench.core, platforms={"folder": PLATFORM}))
    site = connecting.add(bench.core, "folder", "Pictures", "Ada", {"path": str(directory)})
    policies.save(bench.core, site.id, BLOCKING, "Ada")
    for name, data in PICTURES.items():
        write(directory / name, data)
        bench.judge.tell(data, "sexual.explicit_nudity", 0.95)
    work(bench, 2)
    hidden = {shown.decision.media.id: shown for shown in showing.recent(bench.core, site.id)}
    assert {name: shown.state for name, shown in hidden.items()} == dict.fromkeys(PICTURES, "done")
    assert not list(directory.glob("*.png"))

    quarantine = directory.with_name("pictures.quarantine")
    away = [(place, place.rename(place.with_name(f"{place.name}.disk"))) for place in (directory, quarantine)]
    if left:
        directory.mkdir()
    verdicts.resolve(bench.core, hidden["approved.png"].decision.id, Verdict.ALLOW, "Ada")
    work(bench, 3)
    restored = {shown.decision.media.id: shown for shown in showing.recent(bench.core, site.id)}
    assert (restored["approved.png"].action, restored["approved.png"].state) == ("restore", "due")
    assert enforce.parked(bench.core, site.id) == []

    if left:
        directory.rmdir()
    for place, disk in away:
        disk.rename(place)
    work(bench, 14)  # a site that its platform refuses is tried at least once an hour
    assert [path.name for path in directory.glob("*.png")] == ["approved.png"]
    assert (directory / "approved.png").read_bytes() == PICTURES["approved.png"]
    assert {shown.state for shown in showing.recent(bench.core, site.id)} == {"done"}
    assert len(list(quarantine.glob("*.bin"))) == 1
