"""Moving the quarantine, or taking its settings back, orphans nothing that was hidden before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from app.domain.decisions import Action
from app.domain.errors import MediaGone, PlatformRefused, PlatformUnavailable
from app.domain.platform import Site
from integrations.firebase.settings import Settings
from tests.integrations.firebase.actions import PLATFORM, do, fetched, listed, set
from tests.integrations.firebase.contract import NAME, PIXELS, Bucket

MOVES: list[dict[str, Any]] = [{"quarantine": "hidden/"}, {"quarantine_bucket": "demo-vault"}]


def moved(site: Site, **settings: Any) -> Site:
    """Change settings as the core stores them: over what they were."""
    return replace(site, settings=set(site, **settings).settings.after(site.settings))


@pytest.fixture
def place(place: Bucket) -> Bucket:
    place.gcs.bucket("demo-vault")
    return place


@pytest.mark.parametrize("move", MOVES, ids=lambda move: "".join(move))
@pytest.mark.parametrize("with_undo", [True, False])
def test_what_was_hidden_before_is_fetched_listed_and_restored(place: Bucket, move: dict[str, Any], with_undo: bool) -> None:
    before = place.snapshot()
    undo = do(Action.HIDE, place.site, place.media).undo
    site = moved(place.site, **move)
    assert fetched(site, place.media) == PIXELS
    assert [one.id for one in listed(site)].count(NAME) == 1, "hidden copies are no uploads"
    assert do(Action.HIDE, site, place.media).undo == undo
    assert do(Action.RESTORE, site, place.media, undo if with_undo else None).drifted == ""
    assert place.snapshot() == before and not place.gcs.bucket("demo-vault").names()


def test_the_undo_says_where_the_bytes_are(place: Bucket) -> None:
    """Even to a site whose settings say nothing of it any more."""
    before = place.snapshot()
    elsewhere = set(place.site, quarantine_bucket="demo-vault", quarantine="deep/down/")
    undo = do(Action.HIDE, elsewhere, place.media).undo
    assert undo["hidden"]["bucket"] == "demo-vault" and undo["hidden"]["name"].startswith("deep/down/")
    do(Action.RESTORE, place.site, place.media, undo)
    assert place.snapshot() == before and not place.gcs.bucket("demo-vault").names()


def test_a_hide_that_was_cut_off_before_the_move_is_ended_after_it(place: Bucket) -> None:
    before = place.snapshot()
    place.gcs.fail("drop", operation="objects.rewrite")
    with pytest.raises(PlatformUnavailable):
        do(Action.HIDE, place.site, place.media)
    site = moved(place.site, quarantine="hidden/")
    do(Action.HIDE, site, place.media)
    do(Action.RESTORE, site, place.media, None)
    assert place.snapshot() == before


def test_deleting_empties_the_old_quarantine_too(place: Bucket) -> None:
    undo = do(Action.HIDE, place.site, place.media).undo
    do(Action.DELETE, moved(place.site, quarantine="hidden/"), place.media, undo)
    assert not [name for name in place.bucket.names() if "quarantine/" in name]


def test_a_bucket_of_before_may_be_gone_and_the_one_of_today_may_not(place: Bucket) -> None:
    site = moved(moved(place.site, quarantine_bucket="demo-vault"), quarantine_bucket="")
    assert site.settings.quarantines_before == ("gs://demo-vault/quarantine/",)  # type: ignore[attr-defined]
    del place.gcs.buckets["demo-vault"]
    before = place.snapshot()
    undo = do(Action.HIDE, site, place.media).undo
    assert place.media in listed(site) and "the public cannot read them" in PLATFORM.check(site)
    do(Action.RESTORE, site, place.media, undo)
    assert place.snapshot() == before
    place.remove()
    with pytest.raises(MediaGone):
        do(Action.HIDE, site, place.media)
    with pytest.raises(PlatformRefused):
        listed(set(site, quarantine_bucket="demo-vault", quarantines_before=()))


def test_where_pictures_were_hidden_is_remembered_once_and_never_watched() -> None:
    first = Settings()
    second = Settings(quarantine="hidden/").after(first)
    third = Settings(quarantine_bucket="demo-vault", quarantines_before=second.quarantines_before).after(second)
    assert (second.quarantines_before, third.quarantines_before) == (("quarantine/",), ("hidden/", "quarantine/"))
    assert third.moved_from("own") == [("own", "hidden/"), ("own", "quarantine/")]
    assert not third.watches("hidden/x.png") and not third.watches("quarantine/x.png") and third.watches("users/u/x.png")
    back = Settings(quarantines_before=third.quarantines_before).after(third)
    assert back.quarantines_before == ("gs://demo-vault/quarantine/", "hidden/")
    assert back.moved_from("own")[0] == ("demo-vault", "quarantine/")
    assert Settings(mode="flag").after(first).quarantines_before == ()
    for wrong in ("nowhere", "gs://x/", "/quarantine/", "*/"):
        with pytest.raises(ValidationError):
            Settings(quarantines_before=(wrong,))
