"""A picture that is tried: seen by a worker, judged as an upload would be, and gone soon."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.db.tables import decisions, jobs, previews, signals, tried_pictures
from app.db.tables import pictures as picture_table
from app.dispatch import clock
from app.dispatch.worker import Worker, judge_next
from app.domain.decisions import Verdict
from app.domain.detector import ListKind
from app.domain.errors import MediaUnreadable, PlatformUnavailable, SettingsInvalid, TriedPictureGone
from app.domain.media import Region
from app.domain.signals import Signal
from app.services.pipeline.moderate import Moderator
from app.services.rules import policies
from app.services.trying import pictures
from tests.support.core import Bench
from tests.support.instance import wait_for
from tests.web.visitor import acting_site, decided

ANN, BOB = 1, 2
DATA = b"picture that is tried"


def tried(bench: Bench, score: float = 0.7, data: bytes = DATA) -> pictures.TriedPicture:
    sha256 = hashlib.sha256(data).hexdigest()
    bench.judge.sees[sha256] = (Signal("told", "1", "sexual.explicit_nudity", score, Region(0.1, 0.2, 0.3, 0.4), "a note"),)
    id_ = pictures.begin(bench.core, data, ANN)
    assert pictures.due(bench.core), "a worker is not roused"
    assert judge_next(Moderator(bench.core))
    return pictures.get(bench.core, id_, ANN)


def test_a_worker_that_sleeps_is_woken(bench: Bench, tmp_path: Path) -> None:
    worker = Worker(bench.core, tmp_path, 1)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        for data in (b"one", b"another"):
            id_ = pictures.begin(bench.core, data, ANN)
            wait_for(lambda id_=id_: pictures.get(bench.core, id_, ANN).judged, "it to be judged", 20)
            time.sleep(0.5)  # its thread goes to sleep for a minute, unless it is woken
    finally:
        worker.stop()
        thread.join()


def rows(bench: Bench) -> list[Any]:
    with bench.core.db.read() as connection:
        return list(connection.execute(tried_pictures.select()).all())


def test_a_worker_sees_what_is_in_it_and_the_bytes_are_dropped(bench: Bench) -> None:
    woken = len(bench.woken)
    id_ = pictures.begin(bench.core, DATA, ANN)
    assert len(bench.woken) > woken
    assert not pictures.get(bench.core, id_, ANN).judged
    (waiting,) = rows(bench)
    assert DATA not in waiting.picture
    pictures.forget(bench.core, id_, ANN)
    found = tried(bench)
    assert found.signals == (Signal("told", "1", "sexual.explicit_nudity", 0.7, Region(0.1, 0.2, 0.3, 0.4), "a note"),)
    assert found.fingerprint.sha256 == hashlib.sha256(DATA).hexdigest()
    assert pictures.preview(bench.core, found.id, ANN) == b"clear"
    assert pictures.categories(found) == [("sexual.explicit_nudity", 0.7)]
    (row,) = [row for row in rows(bench) if row.id == found.id]
    assert row.picture is None
    assert b"explicit" not in row.answer


def test_nothing_of_it_is_kept_elsewhere(bench: Bench) -> None:
    tried(bench)
    with bench.core.db.read() as connection:
        for table in (jobs, decisions, picture_table, previews, signals):
            assert connection.execute(table.select()).all() == [], table.name


def test_it_goes_before_everything_else(bench: Bench) -> None:
    site = acting_site(bench)
    bench.platform.images["upload"] = b"upload"
    from app.services.pipeline import intake

    intake.receive(bench.core, "paper", bench.uploaded(site, "d", "upload"))
    id_ = pictures.begin(bench.core, DATA, ANN)
    judge_next(Moderator(bench.core))
    assert pictures.get(bench.core, id_, ANN).judged


def test_a_sites_policy_its_lists_and_a_context_decide(bench: Bench) -> None:
    site = bench.site()
    rule = {"category": "sexual.explicit_nudity", "review": 0.3, "block": 0.6, "mode": "enforce"}
    exempt = [{"key": "product_type", "values": ["Swimwear"]}]
    policies.save(bench.core, site.id, [{**rule, "exempt": exempt}], "owner")
    found = tried(bench)
    opinion = pictures.opinion(bench.core, found, site.id, {})
    assert (opinion.outcome.verdict, opinion.version, opinion.may_hide) == (Verdict.BLOCK, 2, True)
    left_alone = pictures.opinion(bench.core, found, site.id, {"product_type": ("swimwear",)})
    assert left_alone.outcome.verdict is Verdict.ALLOW
    assert pictures.put_on_list(bench.core, found, site.id, ListKind.ALLOW, "Ann") == 1
    assert pictures.opinion(bench.core, found, site.id, {}).outcome.verdict is Verdict.ALLOW
    other = acting_site(bench)
    assert pictures.opinion(bench.core, found, other.id, {}).outcome.verdict is Verdict.BLOCK


def test_what_is_put_on_the_block_list_counts_for_uploads(bench: Bench) -> None:
    site = bench.site()
    found = tried(bench, score=0.0, data=b"picture poster")
    pictures.put_on_list(bench.core, found, site.id, ListKind.BLOCK, "Ann")
    decided(bench, site, "poster", 0.0)
    assert bench.platform.hidden == {"poster"}


def test_it_is_nobody_else_s(bench: Bench) -> None:
    found = tried(bench)
    for look in (pictures.get, pictures.preview):
        with pytest.raises(TriedPictureGone):
            look(bench.core, found.id, BOB)
    pictures.forget(bench.core, found.id, BOB)
    assert pictures.get(bench.core, found.id, ANN).judged


def test_it_is_gone_after_ten_minutes_or_when_it_is_put_away(bench: Bench) -> None:
    found, second = tried(bench), tried(bench)
    pictures.forget(bench.core, second.id, ANN)
    with pytest.raises(TriedPictureGone):
        pictures.get(bench.core, second.id, ANN)
    bench.clock.pass_seconds(pictures.MINUTES * 60 + 1)
    with pytest.raises(TriedPictureGone):
        pictures.get(bench.core, found.id, ANN)
    assert len(rows(bench)) == 1
    clock.run_due(bench.core)
    assert rows(bench) == []


def test_a_person_has_few_at_a_time(bench: Bench) -> None:
    for _ in range(pictures.AT_ONCE):
        pictures.begin(bench.core, DATA, ANN)
    with pytest.raises(SettingsInvalid):
        pictures.begin(bench.core, DATA, ANN)
    pictures.begin(bench.core, DATA, BOB)
    bench.clock.pass_seconds(pictures.MINUTES * 60 + 1)
    pictures.begin(bench.core, DATA, ANN)


@pytest.mark.parametrize("data", [b"", b"x" * 1001], ids=["empty", "too large"])
def test_what_cannot_be_a_picture_is_refused_at_once(bench: Bench, data: bytes) -> None:
    with pytest.raises(MediaUnreadable):
        pictures.begin(bench.core, data, ANN)
    assert rows(bench) == []


def test_a_restricted_one_is_never_shown_and_a_failure_is_said(bench: Bench) -> None:
    sha256 = hashlib.sha256(DATA).hexdigest()
    bench.judge.sees[sha256] = (Signal("told", "1", "csae.suspected", 0.9),)
    bench.judge.fails[sha256] = "it is torn"
    id_ = pictures.begin(bench.core, DATA, ANN)
    judge_next(Moderator(bench.core))
    found = pictures.get(bench.core, id_, ANN)
    assert (found.has_preview, found.failures) == (False, ("it is torn",))
    assert pictures.preview(bench.core, id_, ANN) is None
    assert pictures.opinion(bench.core, found, bench.site().id, {}).outcome.verdict is Verdict.REVIEW


def test_a_picture_that_kills_a_worker_is_not_taken_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = pictures.begin(bench.core, DATA, ANN)

    def die(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(bench.judge, "judge", die)
    with pytest.raises(MemoryError):
        judge_next(Moderator(bench.core))
    assert not judge_next(Moderator(bench.core))
    assert not pictures.get(bench.core, id_, ANN).judged


def test_one_worker_takes_it(bench: Bench) -> None:
    pictures.begin(bench.core, DATA, ANN)
    assert [judge_next(Moderator(bench.core)) for _ in range(2)] == [True, False]
    assert len(bench.judge.looked) == 1


def test_an_address_is_fetched_by_what_the_wiring_gives(bench: Bench) -> None:
    with pytest.raises(PlatformUnavailable):
        pictures.fetch(bench.core, "https://example.org/a.jpg")
    core = replace(bench.core, fetch_url=lambda address: address.encode())
    assert pictures.fetch(core, "https://example.org/a.jpg") == b"https://example.org/a.jpg"
