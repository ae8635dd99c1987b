"""Who may read a picture by lists of readers: everybody is taken off before it is hidden, and nobody is forgotten afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app.domain.decisions import Action, Verdict
from app.domain.errors import PlatformRefused, PlatformUnavailable
from app.domain.media import MediaRef
from app.domain.platform import Site
from tests.integrations.firebase.actions import PLATFORM, approve, do, set, status
from tests.integrations.firebase.contract import BUCKET, NAME, PIXELS, Bucket
from tests.integrations.firebase.stand_in.objects import PUBLIC, Conditions, StoredObject

OPEN = "users/u1/open.png"
FRIENDS = frozenset({("user-friend@example.org", "READER"), ("project-owners-123456789012", "OWNER")})


def put_open(place: Bucket, name: str = OPEN, **how: Any) -> MediaRef:
    made = place.bucket.put(name, PIXELS, acl_public=True, **how)
    return MediaRef(name, str(made.generation), f"gs://{BUCKET}/{name}")


def all_public(place: Bucket) -> list[str]:
    return [name for bucket in place.gcs.buckets.values() for name in bucket.names() if found(bucket, name).public]


def found(bucket: Any, name: str) -> StoredObject:
    one = bucket.get(name)
    assert one is not None, name
    return one  # type: ignore[no-any-return]


def test_what_cannot_be_deleted_is_read_by_nobody(place: Bucket) -> None:
    media = put_open(place, token=True)
    address, one = place.gcs.public_url(BUCKET, OPEN), found(place.bucket, OPEN)
    by_token = place.gcs.download_url(BUCKET, OPEN, one.tokens[0])
    place.bucket.change(one, {**one.fields, "temporaryHold": True}, one.acl | FRIENDS)
    assert (status(address), status(by_token)) == (200, 200)
    with pytest.raises(PlatformRefused, match="hold"):
        do(Action.HIDE, place.site, media)
    assert (status(address), status(by_token)) == (403, 403)
    assert found(place.bucket, OPEN).acl == FRIENDS, "the owner's own readers are the owner's business"
    # Once the hold ends, the same action ends, too, and what comes back is as it was.
    place.bucket.change(found(place.bucket, OPEN), {**found(place.bucket, OPEN).fields, "temporaryHold": None})
    receipt = do(Action.HIDE, place.site, media)
    assert place.bucket.get(OPEN) is None
    do(Action.RESTORE, place.site, media, receipt.undo)
    assert found(place.bucket, OPEN).acl == FRIENDS | {PUBLIC} and status(address) == 200


def test_a_version_that_the_bucket_keeps_is_read_by_nobody(place: Bucket) -> None:
    place.bucket.versioning = True
    media = put_open(place)
    kept = f"{place.gcs.public_url(BUCKET, OPEN)}?generation={media.version}"
    assert status(kept) == 200
    do(Action.HIDE, place.site, media)
    assert place.bucket.look(OPEN, int(media.version), Conditions()).data == PIXELS, "the bucket keeps it"
    assert status(kept) == 403


def test_a_bucket_that_opens_every_new_object_opens_nothing_of_the_quarantine(place: Bucket) -> None:
    place.bucket.default_acl = frozenset({PUBLIC})
    media = put_open(place, token=True)
    receipt = do(Action.HIDE, place.site, media)
    assert len(place.bucket.names()) > 5 and not all_public(place)
    do(Action.RESTORE, place.site, media, receipt.undo)
    assert all_public(place) == [OPEN]


def test_a_restore_opens_nothing_that_was_closed(place: Bucket) -> None:
    receipt = do(Action.HIDE, place.site, place.media)
    place.bucket.default_acl = frozenset({PUBLIC})
    do(Action.RESTORE, place.site, place.media, receipt.undo)
    assert all_public(place) == [], "it was read by nobody, whatever the bucket gives to new objects by now"


def test_another_bucket_for_hidden_pictures_is_no_more_open(place: Bucket) -> None:
    vault = place.gcs.bucket("demo-quarantine")
    vault.default_acl = frozenset({PUBLIC, ("allAuthenticatedUsers", "READER")})
    site = set(place.site, quarantine_bucket="demo-quarantine")
    receipt = do(Action.HIDE, site, place.media)
    assert len(vault.names()) == 2 and not all_public(place)
    assert not any(entity.startswith("all") for name in vault.names() for entity, _ in found(vault, name).acl)
    do(Action.RESTORE, site, place.media, receipt.undo)


@pytest.mark.parametrize("with_undo", [True, False])
def test_single_peoples_rights_come_back(place: Bucket, with_undo: bool) -> None:
    one = found(place.bucket, NAME)
    place.bucket.change(one, one.fields, FRIENDS)
    receipt = do(Action.HIDE, place.site, place.media)
    do(Action.RESTORE, place.site, place.media, receipt.undo if with_undo else None)
    assert found(place.bucket, NAME).acl == FRIENDS


def test_what_an_earlier_version_kept_is_put_back(place: Bucket) -> None:
    """Its undo had only those that stand for everybody."""
    media = put_open(place)
    undo = dict(do(Action.HIDE, place.site, media).undo)
    assert undo.pop("access") == {"allUsers": "READER"} and undo["readers"] == ["allUsers"]
    place.bucket.default_acl = FRIENDS
    do(Action.RESTORE, place.site, media, undo)
    assert found(place.bucket, OPEN).acl == FRIENDS | {PUBLIC}


@pytest.mark.parametrize("verdict", [Verdict.ALLOW, Verdict.REVIEW])
def test_public_access_prevention_keeps_a_picture_hidden_whole(place: Bucket, verdict: Verdict) -> None:
    media = put_open(place)
    receipt = do(Action.HIDE, place.site, media)
    before, place.bucket.nobody_public = place.bucket.snapshot(), True
    for _ in range(2):
        with pytest.raises(PlatformRefused, match="public access prevention"):
            do(Action.RESTORE, place.site, media, receipt.undo, verdict=verdict)
        assert place.bucket.snapshot() == before, "half a picture in its place would be taken for a new upload"
    place.bucket.nobody_public = False
    assert do(Action.RESTORE, place.site, media, receipt.undo, verdict=verdict).drifted == ""
    assert status(place.gcs.public_url(BUCKET, OPEN)) == 200


def test_an_approved_picture_is_published_as_the_bucket_gives_it(place: Bucket) -> None:
    site = set(place.site, layout="pending_public")
    place.bucket.default_acl = frozenset({PUBLIC})
    made = place.bucket.put("pending/u1/a.png", PIXELS)
    approve(site, MediaRef("pending/u1/a.png", str(made.generation)))
    assert found(place.bucket, "public/u1/a.png").public


def hides_in_a_vault(place: Bucket) -> Site:
    place.gcs.bucket("demo-vault")
    return set(place.site, quarantine_bucket="demo-vault", quarantine="hidden/")


def open_policy(place: Bucket) -> Site:
    place.bucket.open = True
    return place.site


def open_policy_of_the_vault(place: Bucket) -> Site:
    site = hides_in_a_vault(place)
    place.gcs.bucket("demo-vault").open = True
    return site


def open_lists(place: Bucket) -> Site:
    do(Action.HIDE, place.site, place.media)
    for name in [name for name in place.bucket.names() if name.startswith("quarantine/")]:
        place.bucket.change(found(place.bucket, name), found(place.bucket, name).fields, frozenset({PUBLIC}))
    return place.site


def getting_rules(place: Bucket) -> Site:
    place.gcs.rules = lambda operation, bucket, name: operation == "get"
    return place.site


def listing_rules(place: Bucket) -> Site:
    place.gcs.rules = lambda operation, bucket, name: operation == "list" and name == "quarantine/"
    return place.site


def where_they_were_before(place: Bucket) -> Site:
    site = hides_in_a_vault(place)
    place.bucket.open = True
    return replace(site, settings=site.settings.after(place.site.settings))


@pytest.mark.parametrize(
    ("opened", "told"),
    [
        (open_policy, f"the policy of gs://{BUCKET} gives allUsers storage.objects.get and storage.objects.list"),
        (open_policy_of_the_vault, "the policy of gs://demo-vault gives allUsers"),
        (open_lists, "the access list of quarantine/"),
        (getting_rules, "the Storage rules let everybody get what is in"),
        (listing_rules, "the Storage rules let everybody list"),
        (where_they_were_before, f"the policy of gs://{BUCKET} gives allUsers"),
    ],
)
def test_check_names_what_lets_strangers_read_hidden_pictures(place: Bucket, opened: Callable[[Bucket], Site], told: str) -> None:
    for site in (place.site, hides_in_a_vault(place)):
        assert "the public cannot read them" in PLATFORM.check(site)
    site = opened(place)
    before = (place.bucket.snapshot(), place.changes(), [found(place.bucket, name).tokens for name in place.bucket.names()])
    line = PLATFORM.check(site)
    assert "but everybody can read them" in line and told in line and "\n" not in line
    after = (place.bucket.snapshot(), place.changes(), [found(place.bucket, name).tokens for name in place.bucket.names()])
    assert before == after, "to look is to change nothing, and to make no download address"


def test_an_open_bucket_matters_not_where_hidden_pictures_are_elsewhere(place: Bucket) -> None:
    site = hides_in_a_vault(place)
    place.bucket.open = True
    assert "the public cannot read them" in PLATFORM.check(site)


def test_what_cannot_be_asked_from_outside_is_not_called_proven(place: Bucket) -> None:
    for code, said in ((500, "answered 500"), (502, "answered 502")):
        place.gcs.fail(code, operation="firebase.metadata")
        line = PLATFORM.check(place.site)
        assert "could not be asked from outside" in line and said in line
    place.gcs.fail("html", operation="buckets.testIamPermissions", times=1)
    with pytest.raises(PlatformUnavailable):
        PLATFORM.check(place.site)
