"""One secret, one purpose: whoever forwards uploads knows the site's secret, and can sign nothing that we believe is ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.events import Delivery, MediaUploaded
from app.domain.platform import Site
from app.domain.time import SECOND
from integrations.firebase import intake, journal, naming
from integrations.firebase.naming import MARK, Kind, Mark
from integrations.firebase.storage import Store
from integrations.kit import signing
from tests.integrations.firebase.contract import BUCKET, NAME, NOW, OWN_KEY, SAMPLE, SECRET, Bucket
from tests.support.core import Bench

UPGRADED = int(datetime(2026, 11, 22, 13, tzinfo=UTC).timestamp() * SECOND)
HOUR = 3_600 * SECOND


def old_site(**over: Any) -> Site:
    return SAMPLE.site(own_key_at=UPGRADED, **over)


def signed(key: bytes, *parts: str) -> str:
    mac = hmac.new(key, json.dumps(list(parts)).encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac[:24]).decode()


def with_secret(kind: Kind, generation: str, origin: str, version: str = "v1") -> dict[str, object]:
    """Make the mark that the holder of the forwarder's secret can make: what we made until sites had keys of their own."""
    mac = signed(SECRET.encode(), f"picward mark {version}", BUCKET, kind, NAME, generation, origin)
    return {MARK: f"{version}.{kind}.{origin}.{mac}"}


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_forwarders_secret_vouches_for_nothing(kind: Kind, version: str) -> None:
    generation = "" if kind is Kind.COPYING else "17"
    forged = with_secret(kind, generation, "12", version)
    assert naming.read_mark(SAMPLE.site(), forged, NAME, "17", UPGRADED - HOUR) is None
    assert naming.read_mark(old_site(), forged, NAME, "17", UPGRADED + HOUR) is None
    assert naming.read_mark(old_site(), forged, NAME, "17", 0) is None, "made at an unknown time"
    ours = {MARK: naming.mark(SAMPLE.site(), kind, NAME, generation, "12")}
    assert naming.read_mark(SAMPLE.site(), ours, NAME, "17", 0) == Mark(kind, "12"), "the control: a mark of ours"


@pytest.mark.parametrize("kind", list(Kind))
def test_what_an_earlier_version_marked_is_still_ours(kind: Kind) -> None:
    theirs = with_secret(kind, "" if kind is Kind.COPYING else "17", "12")
    assert naming.read_mark(old_site(), theirs, NAME, "17", UPGRADED - HOUR) == Mark(kind, "12")


def test_a_forwarded_notice_with_a_forged_mark_is_an_upload_like_any_other() -> None:
    def seen(site: Site, mark: dict[str, object]) -> str:
        resource = {"bucket": BUCKET, "name": NAME, "generation": "17", "contentType": "image/png", "size": "9"}
        resource |= {"timeCreated": "2026-11-22T15:00:00Z", "metadata": mark}
        body = json.dumps({"v": 1, "to": "connector", "type": "object.finalized", "data": resource}).encode()
        headers = signing.sign(SECRET, "msg_1", NOW, body)
        (event,) = intake.parse(Delivery("POST", "/webhooks/firebase", headers, body, NOW * SECOND), site).events
        assert isinstance(event, MediaUploaded)
        return event.media.version

    ours = {MARK: naming.mark(old_site(), Kind.HERE, NAME, "17", "12")}
    assert seen(old_site(), ours) == "12", "the control: our own mark makes it the version that it was"
    assert seen(old_site(), with_secret(Kind.HERE, "17", "12")) == "17"
    assert seen(old_site(), with_secret(Kind.HERE, "17", "12", "v2")) == "17"


def test_a_journal_is_believed_by_who_signed_it_and_when() -> None:
    text = "what a picture was"
    ours, theirs = naming.sign_text(old_site(), text), signed(SECRET.encode(), "picward text v1", BUCKET, text)
    assert naming.signed_text(old_site(), text, ours, UPGRADED + HOUR)
    assert naming.signed_text(old_site(), text, theirs, UPGRADED - HOUR), "written by an earlier version"
    assert not naming.signed_text(old_site(), text, theirs, UPGRADED + HOUR)
    assert not naming.signed_text(old_site(), text, "v2." + signed(SECRET.encode(), "picward text v2", BUCKET, text), 1)
    assert not naming.signed_text(old_site(), text, "v2.é", 1) and not naming.signed_text(old_site(), text, "é", 1)


def test_a_journal_in_the_quarantine_that_only_the_secret_signed_is_not_ours(place: Bucket) -> None:
    store = Store(place.site)
    kept = journal.of(store.get(NAME), place.media.version)
    journal.keep(store, NAME, kept)
    assert journal.load(store, NAME, kept.version) == kept, "the control"
    where = store.hidden_name(NAME, kept.version) + ".json"
    outer = json.loads(store.read(store.get(where, store.quarantine), 60_000))
    outer["mac"] = signed(SECRET.encode(), "picward text v1", BUCKET, outer["text"])
    place.bucket.put(where, json.dumps(outer).encode())
    assert journal.load(store, NAME, kept.version) is None


def test_each_site_has_a_key_of_its_own_that_its_secret_does_not_tell(bench: Bench) -> None:
    keys = [bench.core.vault.derive(f"site {site}") for site in ("st_1", "st_2", "st_1")]
    assert keys[0] == keys[2] != keys[1] and all(len(key) == len(OWN_KEY) for key in keys)


def test_nothing_is_signed_without_a_key() -> None:
    with pytest.raises(ValueError, match="no key"):
        naming.mark(SAMPLE.site(own_key=b""), Kind.HERE, NAME, "17", "12")
