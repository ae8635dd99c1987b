"""Who may read a picture by lists of readers: everybody is taken off before it is hidden, and nobody is forgotten afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from app.domain.decisions import Action, Verdict
from app.domain.errors import PlatformRefused, PlatformUnavailable
from app.domain.media import MediaRef
from app.domain.platform import Site
from integrations.firebase import telling
from tests.contract.sample import Scripted
from tests.integrations.firebase.actions import PLATFORM, approve, do, set, status
from tests.integrations.firebase.contract import BUCKET, NAME, PIXELS, Bucket
from tests.integrations.firebase.stand_in.objects import PUBLIC, Conditions, StoredObject
from tests.integrations.firebase.stand_in.server import Refusal

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


FRIEND = "user-friend@example.org"
OWNERS = ("project-owners-123456789012", "OWNER")


@dataclass(frozen=True)
class Change:
    """Be what happened to a bucket while a picture was hidden, and what of its access list is then left and lost."""

    do: Callable[[Any], None]
    left: frozenset[tuple[str, str]]
    lost: tuple[str, ...]


def prevent(bucket: Any) -> None:
    bucket.nobody_public = True


def delete_friend(bucket: Any) -> None:
    bucket.unknown = frozenset({FRIEND})


def both(bucket: Any) -> None:
    prevent(bucket)
    delete_friend(bucket)


CHANGES = [
    Change(prevent, frozenset({OWNERS}), ("allUsers", FRIEND)),
    Change(delete_friend, frozenset({OWNERS, PUBLIC}), (FRIEND,)),
    Change(both, frozenset({OWNERS}), ("allUsers", FRIEND)),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.do.__name__)
@pytest.mark.parametrize("verdict", [Verdict.ALLOW, Verdict.REVIEW])
@pytest.mark.parametrize("interrupted", [False, True])
def test_a_picture_comes_back_where_its_access_list_cannot(
    place: Bucket, change: Change, verdict: Verdict, interrupted: bool
) -> None:
    media = put_open(place, token=True)
    place.bucket.default_acl = frozenset({OWNERS})
    place.bucket.change(found(place.bucket, OPEN), found(place.bucket, OPEN).fields, FRIENDS | {PUBLIC})
    names, undo = place.bucket.names(), None
    if interrupted:
        place.gcs.fail("drop", operation="objects.rewrite")
        with pytest.raises(PlatformUnavailable):
            do(Action.HIDE, place.site, media)
    else:
        undo = do(Action.HIDE, place.site, media).undo
    change.do(place.bucket)
    with pytest.raises(Refusal):  # the list as it was is refused
        place.bucket.put("other.png", PIXELS)
        place.bucket.change(found(place.bucket, "other.png"), {}, FRIENDS | {PUBLIC})
    place.bucket.remove("other.png")
    drifted = do(Action.RESTORE, place.site, media, undo, verdict=verdict).drifted
    now = found(place.bucket, OPEN)
    lost = [who for who in ("allUsers", FRIEND) if (who, "READER") not in now.acl]
    assert now.data == PIXELS and now.tokens
    assert lost and all(who in drifted for who in lost) and not any(who in drifted for who, _ in now.acl)
    # What was never taken away, since the hide did not get so far, stays where nothing better is taken.
    kept = interrupted and change.do is not delete_friend
    assert (now.acl, tuple(lost)) == ((FRIENDS, ("allUsers",)) if kept else (change.left, change.lost))
    assert place.bucket.names() == names, "nothing is left in the quarantine"


def test_a_restore_that_loses_its_list_opens_nothing_that_was_closed(place: Bucket) -> None:
    place.bucket.change(found(place.bucket, NAME), found(place.bucket, NAME).fields, FRIENDS)
    receipt = do(Action.HIDE, place.site, place.media)
    place.bucket.default_acl, place.bucket.unknown = frozenset({PUBLIC, OWNERS}), frozenset({FRIEND})
    assert FRIEND in do(Action.RESTORE, place.site, place.media, receipt.undo).drifted
    assert found(place.bucket, NAME).acl == {OWNERS}


@pytest.mark.parametrize("gone", [{FRIEND}, {FRIEND, OWNERS[0]}], ids=["a reader", "an owner, too"])
def test_a_hide_needs_none_of_those_whom_it_lets_read(place: Bucket, gone: frozenset[str]) -> None:
    media = put_open(place)
    place.bucket.change(found(place.bucket, OPEN), found(place.bucket, OPEN).fields, FRIENDS | {PUBLIC})
    place.bucket.default_acl, place.bucket.unknown = FRIENDS | {PUBLIC}, frozenset(gone)
    with pytest.raises(Refusal):
        place.bucket.change(found(place.bucket, OPEN), {}, FRIENDS)
    place.bucket.default_acl = frozenset()
    receipt = do(Action.HIDE, place.site, media)
    assert receipt.drifted == "" and place.bucket.get(OPEN) is None and not all_public(place)
    place.bucket.unknown = frozenset()
    assert do(Action.RESTORE, place.site, media, receipt.undo).drifted == ""
    assert found(place.bucket, OPEN).acl == FRIENDS | {PUBLIC}


@pytest.mark.parametrize("layout", ["in_place", "pending_public"])
def test_what_was_lost_is_told_when_the_first_try_did_not_end(
    place: Bucket, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise PlatformUnavailable("The app cannot be told just now.")

    site, media = set(place.site, layout=layout), put_open(place, "pending/u1/a.png")
    undo = do(Action.HIDE, site, media).undo
    place.bucket.nobody_public = True
    with monkeypatch.context() as patched:
        patched.setattr(telling, "tell", away)
        with pytest.raises(PlatformUnavailable):
            do(Action.RESTORE, site, media, undo, verdict=Verdict.ALLOW)
    assert "allUsers" in do(Action.RESTORE, site, media, undo, verdict=Verdict.ALLOW).drifted
    assert do(Action.RESTORE, site, media, undo, verdict=Verdict.ALLOW).drifted == "", "it was said"


def test_a_refused_hide_that_reopens_in_part_forgets_nobody(place: Bucket) -> None:
    media = put_open(place)
    place.bucket.change(found(place.bucket, OPEN), found(place.bucket, OPEN).fields, FRIENDS | {PUBLIC})
    place.gcs.fail("drop", operation="objects.rewrite")
    with pytest.raises(PlatformUnavailable):
        do(Action.HIDE, place.site, media)
    place.bucket.nobody_public = True
    no = Refusal(403, "forbidden", "x@y does not have storage.objects.create access to the object.").answer()
    place.gcs.fail(Scripted(no.status, no.headers, no.body), operation="objects.rewrite")
    with pytest.raises(PlatformRefused):
        do(Action.HIDE, place.site, media)
    assert found(place.bucket, OPEN).acl == FRIENDS and found(place.bucket, OPEN).cache_control is None, "open but for everybody"
    place.bucket.nobody_public = False
    do(Action.RESTORE, place.site, media, do(Action.HIDE, place.site, media).undo)
    assert found(place.bucket, OPEN).acl == FRIENDS | {PUBLIC}


def test_an_approved_picture_is_published_without_whom_nobody_knows(place: Bucket) -> None:
    site = set(place.site, layout="pending_public")
    made = place.bucket.put("pending/u1/a.png", PIXELS)
    place.bucket.change(made, made.fields, FRIENDS | {PUBLIC})
    place.bucket.unknown = frozenset({FRIEND})
    assert FRIEND in approve(site, MediaRef("pending/u1/a.png", str(made.generation))).drifted
    assert found(place.bucket, "public/u1/a.png").public and place.bucket.get("pending/u1/a.png") is None


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
