"""The listing: every watched picture once, from a cursor that lasts, and what looking at it all costs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.decisions import Action
from app.domain.errors import PlatformRefused
from app.domain.media import MediaRef
from tests.integrations.firebase.actions import PLATFORM, do, listed, set
from tests.integrations.firebase.contract import NAME, PIXELS, Bucket


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_every_picture_is_listed_once_whatever_the_pages(place: Bucket, size: int) -> None:
    place.bucket.fill("bulk/", 23)
    place.gcs.page_size = size
    found = [media.id for media in listed(place.site)]
    assert found == sorted(found) and len(found) == 26
    assert NAME in found and "notes.txt" not in found


def test_uploads_meanwhile_do_not_shift_the_listing(place: Bucket) -> None:
    place.bucket.fill("bulk/", 10)
    place.gcs.page_size = 4
    first = PLATFORM.scan(place.site)
    place.bucket.put("a/before.png", PIXELS)
    place.bucket.remove("bulk/00000003.png")
    place.bucket.put("zz/after.png", PIXELS)
    rest: list[MediaRef] = []
    cursor = first.cursor
    while cursor:
        page = PLATFORM.scan(place.site, cursor)
        rest, cursor = [*rest, *page.media], page.cursor
    ids = [media.id for media in (*first.media, *rest)]
    assert len({*ids}) == len(ids) and "zz/after.png" in ids and "bulk/00000009.png" in ids


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_hidden_pictures_are_listed_after_the_others_in_their_newest_version(place: Bucket, size: int) -> None:
    refs = [MediaRef(f"h/{n}.png", str(place.bucket.put(f"h/{n}.png", PIXELS).generation)) for n in range(5)]
    for media in refs:
        do(Action.HIDE, place.site, media)
    again = MediaRef("h/0.png", str(place.bucket.put("h/0.png", b"again").generation))
    do(Action.HIDE, place.site, again)
    place.gcs.page_size = size
    found = [media for media in listed(place.site) if media.id.startswith("h/")]
    assert frozenset(found) >= frozenset([again, *refs[1:]])
    if size > 3:
        assert sorted(media.id for media in found) == [f"h/{n}.png" for n in range(5)]


def test_only_what_is_new_is_asked_for_in_a_reconciliation(place: Bucket) -> None:
    now = int(place.media.version)
    assert place.media in PLATFORM.changed(place.site, now - 1_000_000).media
    assert PLATFORM.changed(place.site, now + 3_600_000_000).media == ()
    do(Action.HIDE, place.site, place.media)
    assert PLATFORM.changed(place.site, 1).cursor == ""


def test_the_watched_prefix_shortens_the_listing(place: Bucket) -> None:
    place.gcs.forget()
    site = set(place.site, include=("users/u9/*",))
    assert listed(site) == [place.media]
    asked = [request for request in place.gcs.requests if request.operation == "objects.list"]
    assert asked[0].query["prefix"] == "users/u9/" and "mediaLink" not in asked[0].query["fields"]


def test_strange_things_in_the_quarantine_are_left_out(place: Bucket) -> None:
    before = listed(place.site)
    place.bucket.put("quarantine/x", PIXELS)
    place.bucket.put("quarantine/" + "0" * 40 + "/12", PIXELS, metadata={"picward-name": NAME})
    place.bucket.put("quarantine/" + "0" * 40 + "/12.json", b"{}")
    place.bucket.put("quarantine/" + "0" * 40 + "/x/12", PIXELS, metadata={"picward-name": "another.png"})
    assert listed(place.site) == before


ODD = ("a\x00.png", "a\x00\x00b.png", "b%00.png", "b%2500.png", "c:d?e=f&g.png", "ü ☃.png", "z\x01\t.png")
"""Names that Cloud Storage takes, and not every database, address or program."""


@pytest.mark.parametrize("below", ["", "quarantine/"])
@pytest.mark.parametrize("size", [1, 2])
def test_a_cursor_holds_nothing_that_a_database_refuses(place: Bucket, below: str, size: int) -> None:
    names = sorted(below + name for name in ODD)
    for name in names:
        place.bucket.put(name, PIXELS)
    place.gcs.page_size = size
    cursors, found, cursor = [], [], ""
    while not cursors or cursor:
        page = PLATFORM.scan(place.site, cursor)
        found += [media.id for media in page.media]
        cursor = page.cursor
        cursors.append(cursor)
        assert len(cursors) < 30, "it goes round in circles"
    assert all(cursor.isascii() and cursor.isprintable() for cursor in cursors[:-1])
    assert any("%00" in cursor for cursor in cursors), "no page ended with the name that matters"
    assert len({*found}) == len(found) == 3 + (0 if below else len(ODD))


@pytest.mark.parametrize("name", [name for name in ODD if "\x00" not in name])
def test_a_cursor_that_an_earlier_version_stored_goes_on_where_it_was(place: Bucket, name: str) -> None:
    place.bucket.put(name, PIXELS)
    every = sorted(media.id for media in listed(place.site))
    rest = [media.id for media in PLATFORM.scan(place.site, f"o:{name}").media]
    assert sorted(rest) == [one for one in every if one > name]
    do(Action.HIDE, place.site, place.media)
    assert PLATFORM.scan(place.site, "q:").media == PLATFORM.scan(place.site, "h:").media
    assert [media.id for media in PLATFORM.scan(place.site, "q:quarantine/").media] == [NAME]
    assert PLATFORM.scan(place.site, "q:quarantine0%").media == ()


@pytest.mark.parametrize("cursor", ["x:a", "w", "o", "h", "w1:a", "h1234:", "hx:", ":a", "oh:"])
def test_a_cursor_that_nobody_wrote_is_refused(place: Bucket, cursor: str) -> None:
    with pytest.raises(PlatformRefused, match="start it again"):
        PLATFORM.scan(place.site, cursor)


def test_a_cursor_of_another_kind_is_refused(place: Bucket) -> None:
    with pytest.raises(PlatformRefused):
        PLATFORM.scan(place.site, "412")


def test_an_empty_bucket_is_empty(place: Bucket) -> None:
    for name in place.bucket.names():
        place.bucket.remove(name)
    assert listed(place.site) == []
    assert PLATFORM.estimate(place.site) == "No picture was found in the watched paths."


def test_the_estimate_counts_and_says_what_it_costs(place: Bucket) -> None:
    line = PLATFORM.estimate(place.site)
    assert line.startswith("3 pictures of 0 kB on average: about $0.00") and "list prices" in line
    place.bucket.fill("bulk/", 300)
    place.gcs.page_size = 20
    line = PLATFORM.estimate(place.site)
    assert line.startswith("More than 191 pictures") and "for 100,000" in line
    place.gcs.forget()
    PLATFORM.estimate(place.site)
    assert place.gcs.counts()["objects.list"] <= 11


def test_an_account_that_may_not_list_is_told_so(place: Bucket) -> None:
    place.bucket.permissions = frozenset({"storage.objects.get"})
    with pytest.raises(PlatformRefused, match=r"storage\.objects\.list.*Storage Object Admin"):
        PLATFORM.check(place.site)
    with pytest.raises(PlatformRefused):
        PLATFORM.check(replace(place.site, key="not a bucket"))
