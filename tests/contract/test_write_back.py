"""Bytes, enforcements and the listing, against a stand-in that acts as the real place does."""

from __future__ import annotations

import hashlib
import time
import traceback
from dataclasses import replace

import pytest

from app.domain.decisions import Action, Verdict
from app.domain.errors import (
    AddressForbidden,
    CredentialsExpired,
    MediaGone,
    MediaUnreadable,
    PicwardError,
    PlatformClosed,
    PlatformRefused,
    PlatformUnavailable,
)
from app.domain.media import MediaRef
from app.domain.platform import Platform
from tests.contract.sample import Sample, Scripted, StandIn, enforcement


def fetched(platform: Platform, place: StandIn, media: MediaRef | None = None) -> bytes:
    with platform.fetch(place.site, media or place.media) as file:
        assert file.tell() == 0
        return file.read()


def listed(platform: Platform, place: StandIn) -> list[MediaRef]:
    place.settle()
    found: list[MediaRef] = []
    cursor = ""
    for _ in range(50):
        page = platform.scan(place.site, cursor)
        time.sleep(min(page.wait_seconds, 0.1))
        found += page.media
        cursor = page.cursor
        if not cursor:
            return found
    raise AssertionError("the listing does not end")


def test_check_says_in_one_line_what_was_found(platform: Platform, place: StandIn) -> None:
    before = place.snapshot()
    line = platform.check(place.site)
    assert line and "\n" not in line
    assert place.snapshot() == before


def test_fetch_gives_exactly_the_version(platform: Platform, place: StandIn) -> None:
    assert fetched(platform, place) == place.original


def test_the_listing_names_the_version_that_can_be_fetched(platform: Platform, sample: Sample, place: StandIn) -> None:
    found = listed(platform, place)
    assert place.media in found
    assert len({media.id for media in found}) == len(found)
    versions = [media.version for media in found if media.id == place.media.id]
    assert versions == [hashlib.sha256(place.original).hexdigest() if sample.sha256_versions else place.media.version]
    assert listed(platform, place) == found


def test_a_replaced_picture_is_gone_as_the_old_version(platform: Platform, place: StandIn) -> None:
    place.replace()
    with pytest.raises(MediaGone):
        fetched(platform, place)
    assert place.media not in listed(platform, place)


def test_a_removed_picture_is_gone(platform: Platform, place: StandIn) -> None:
    place.remove()
    with pytest.raises(MediaGone):
        fetched(platform, place)
    with pytest.raises(MediaGone):
        platform.apply(place.site, enforcement(Action.HIDE, place.media))
    assert place.media not in listed(platform, place)


def test_a_changed_picture_is_not_hidden(platform: Platform, place: StandIn) -> None:
    place.replace()
    before = place.snapshot()
    with pytest.raises(MediaGone):
        platform.apply(place.site, enforcement(Action.HIDE, place.media))
    assert place.snapshot() == before


def test_what_is_too_large_is_unreadable(platform: Platform, sample: Sample, place: StandIn) -> None:
    small = sample.made(type(platform), max_image_bytes=len(place.original) - 1)
    with pytest.raises(MediaUnreadable):
        fetched(small, place)
    exact = sample.made(type(platform), max_image_bytes=len(place.original))
    assert fetched(exact, place) == place.original


def test_hide_and_restore_give_the_original_back(platform: Platform, place: StandIn) -> None:
    before = place.snapshot()
    receipt = platform.apply(place.site, enforcement(Action.HIDE, place.media))
    assert receipt.drifted == ""
    assert place.shown() != place.original
    restored = platform.apply(place.site, enforcement(Action.RESTORE, place.media, receipt.undo, id=2))
    assert restored.drifted == ""
    assert place.shown() == place.original
    assert place.snapshot() == before


def test_each_action_twice_is_once(platform: Platform, place: StandIn) -> None:
    before = place.snapshot()
    first = platform.apply(place.site, enforcement(Action.HIDE, place.media))
    changes = place.changes()
    assert platform.apply(place.site, enforcement(Action.HIDE, place.media)) == first
    assert place.changes() == changes
    for _ in range(2):
        platform.apply(place.site, enforcement(Action.RESTORE, place.media, first.undo, id=2))
        assert place.snapshot() == before


def test_the_undo_is_plain_json(platform: Platform, place: StandIn) -> None:
    import json

    undo = platform.apply(place.site, enforcement(Action.HIDE, place.media)).undo
    assert json.loads(json.dumps(undo)) == undo


def test_a_hidden_picture_can_be_judged_again(platform: Platform, place: StandIn) -> None:
    platform.apply(place.site, enforcement(Action.HIDE, place.media))
    assert fetched(platform, place) == place.original
    assert place.media in listed(platform, place)


def test_our_own_echo_is_nothing_new(platform: Platform, place: StandIn) -> None:
    before = listed(platform, place)
    receipt = platform.apply(place.site, enforcement(Action.HIDE, place.media))
    assert listed(platform, place) == before
    platform.apply(place.site, enforcement(Action.RESTORE, place.media, receipt.undo, id=2))
    assert listed(platform, place) == before


def test_a_restore_does_not_fight_a_change_made_meanwhile(platform: Platform, place: StandIn) -> None:
    receipt = platform.apply(place.site, enforcement(Action.HIDE, place.media))
    place.replace()
    theirs = place.shown()
    try:
        restored = platform.apply(place.site, enforcement(Action.RESTORE, place.media, receipt.undo, id=2))
    except MediaGone:
        pass
    else:
        assert restored.drifted
    assert place.shown() == theirs


@pytest.mark.usefixtures("deleting")
def test_delete_removes_exactly_this_version(platform: Platform, place: StandIn) -> None:
    platform.apply(place.site, enforcement(Action.HIDE, place.media))
    for id in (2, 3):
        try:
            platform.apply(place.site, enforcement(Action.DELETE, place.media, id=id))
        except MediaGone:
            assert id == 3
    assert place.shown() is None
    with pytest.raises(MediaGone):
        fetched(platform, place)


@pytest.mark.usefixtures("comparing")
def test_a_worker_that_comes_back_late_changes_nothing_that_was_decided_since(platform: Platform, place: StandIn) -> None:
    hide = enforcement(Action.HIDE, place.media, id=3)
    undo = platform.apply(place.site, hide).undo
    restore = enforcement(Action.RESTORE, place.media, undo, id=4)
    assert not platform.apply(place.site, restore).drifted
    restored = place.snapshot()
    assert platform.apply(place.site, hide).drifted, "the late one is told"
    assert place.snapshot() == restored
    assert not platform.apply(place.site, restore).drifted, "the last word may be said again"
    again = enforcement(Action.HIDE, place.media, id=5)
    assert not platform.apply(place.site, again).drifted and place.shown() != place.original
    assert platform.apply(place.site, restore).drifted and place.shown() != place.original, (
        "nor does it show what was hidden since"
    )
    # A database that was put back from a backup counts from lower numbers again.
    later = replace(enforcement(Action.RESTORE, place.media, undo, id=1), decided_at=again.decided_at + 3_600_000_000)
    assert not platform.apply(place.site, later).drifted and place.snapshot() == restored


def test_an_action_that_was_not_declared_is_refused(platform: Platform, place: StandIn) -> None:
    for action in frozenset(Action) - platform.actions:
        with pytest.raises(PlatformRefused):
            platform.apply(place.site, enforcement(action, place.media))


STATUSES: list[tuple[Scripted, type[PicwardError] | tuple[type[PicwardError], ...]]] = [
    (Scripted(429, {"Retry-After": "7"}), PlatformUnavailable),
    (Scripted(500), PlatformUnavailable),
    (Scripted(502, body=b"<html>"), PlatformUnavailable),
    (Scripted(503, {"Retry-After": "7"}), PlatformUnavailable),
    # What the site as a whole must wait for, and no picture is to blame for.
    (Scripted(401), (CredentialsExpired, PlatformClosed)),
    (Scripted(403), PlatformUnavailable),
    (Scripted(403, {"Content-Type": "text/html"}, b"<html>Attention Required</html>"), PlatformUnavailable),
    (Scripted(301, {"Location": "https://elsewhere.example/s3cret?token=s3cret"}), (PlatformRefused, PlatformClosed)),
    (Scripted(307, {"Location": "http://169.254.169.254/latest"}), (PlatformRefused, PlatformClosed)),
    (Scripted(200, body=b"<html>maintenance</html>"), PlatformUnavailable),
    (Scripted(200, body=b"[]"), PlatformUnavailable),
    (Scripted(200, body=b"{}"), PlatformUnavailable),
    (Scripted(200, body=b'{"a":' * 50_000), PlatformUnavailable),
    (Scripted(200, body=b"\xff\xfe"), PlatformUnavailable),
    (Scripted(404, body=b"<html>not here</html>"), PlatformUnavailable),
]


@pytest.mark.parametrize(("answer", "error"), STATUSES, ids=[f"{answer.status}-{n}" for n, (answer, _) in enumerate(STATUSES)])
def test_answers_become_our_errors_without_secrets(
    platform: Platform,
    sample: Sample,
    remote: StandIn,
    answer: Scripted,
    error: type[PicwardError] | tuple[type[PicwardError], ...],
) -> None:
    remote.script(answer)
    for call in (
        lambda: platform.check(remote.site),
        lambda: platform.scan(remote.site),
        lambda: platform.apply(remote.site, enforcement(Action.HIDE, remote.media)),
    ):
        with pytest.raises(error) as raised:
            call()
        told = "".join(traceback.format_exception(raised.value))
        assert not any(secret in told for secret in (*sample.secrets, "s3cret"))
        if isinstance(raised.value, PlatformUnavailable) and "Retry-After" in answer.headers and sample.tells_when:
            assert raised.value.retry_after == 7.0
    with pytest.raises((*(error if isinstance(error, tuple) else (error,)), MediaGone)):
        fetched(platform, remote)


PAGES = (
    Scripted(200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><title>Briefly unavailable for scheduled maintenance</title>"),
    Scripted(200, body=b"<html>maintenance</html>"),
    Scripted(202, {"Content-Type": "text/html"}, b"<html><title>Are you a robot?</title>"),
    Scripted(403, {"Content-Type": "text/html"}, b"<html>Attention Required</html>"),
    Scripted(503, {"Content-Type": "text/html"}, b"<html>back soon</html>"),
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.status}-{len(page.body)}")
def test_a_page_for_visitors_says_nothing_about_a_picture(platform: Platform, remote: StandIn, page: Scripted) -> None:
    before = remote.snapshot()
    remote.script(page)
    calls = (
        lambda: fetched(platform, remote),
        lambda: platform.apply(remote.site, enforcement(Action.HIDE, remote.media)),
        lambda: platform.apply(remote.site, enforcement(Action.RESTORE, remote.media)),
    )
    for call in calls:
        with pytest.raises(PlatformUnavailable):  # tried again, and neither gone nor parked
            call()
    remote.script(None)
    assert remote.snapshot() == before, "half hidden"


FAILURES = (*PAGES, Scripted(429, {"Retry-After": "1"}), Scripted(500), Scripted(200, body=b"[]"), Scripted(0))


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: f"{failure.status}-{len(failure.body)}")
def test_an_action_that_was_not_answered_left_nothing_half_done(platform: Platform, remote: StandIn, failure: Scripted) -> None:
    before, changes = remote.snapshot(), remote.changes()
    remote.script(failure)
    with pytest.raises(PlatformUnavailable):
        platform.apply(remote.site, enforcement(Action.HIDE, remote.media))
    remote.script(None)
    assert (remote.snapshot(), remote.changes()) == (before, changes)
    receipt = platform.apply(remote.site, enforcement(Action.HIDE, remote.media))
    assert receipt.drifted == "" and remote.shown() != remote.original
    remote.script(failure)
    with pytest.raises(PlatformUnavailable):
        platform.apply(remote.site, enforcement(Action.RESTORE, remote.media, receipt.undo, id=2))
    remote.script(None)
    assert remote.shown() != remote.original
    assert platform.apply(remote.site, enforcement(Action.RESTORE, remote.media, receipt.undo, id=2)).drifted == ""
    assert remote.snapshot() == before


def test_a_place_that_is_away_is_unavailable(platform: Platform, sample: Sample, remote: StandIn) -> None:
    remote.script(Scripted(0))
    with pytest.raises(PlatformUnavailable) as raised:
        platform.check(remote.site)
    assert not any(secret in "".join(traceback.format_exception(raised.value)) for secret in sample.secrets)


def test_a_private_address_needs_the_owners_word(platform: Platform, private: StandIn) -> None:
    public = replace(private.site, settings=private.site.settings.model_copy(update={"private_network": False}))
    with pytest.raises(AddressForbidden, match="“This site is on my own network”"):
        platform.check(public)
    assert platform.check(private.site)


def test_credentials_that_are_no_longer_accepted_are_called_so(platform: Platform, sample: Sample, remote: StandIn) -> None:
    with pytest.raises(CredentialsExpired):
        platform.check(sample.with_dead_credentials(remote.site))


def test_a_label_tells_of_a_verdict_and_shows_and_hides_nothing(platform: Platform, labelling: StandIn) -> None:
    shown = labelling.shown()
    for id, verdict in enumerate(Verdict, 1):
        label = replace(enforcement(Action.LABEL, labelling.media, id=id), verdict=verdict)
        first = platform.apply(labelling.site, label)
        changes = labelling.changes()
        assert platform.apply(labelling.site, label) == first
        assert (labelling.changes(), labelling.shown(), first.drifted) == (changes, shown, "")
