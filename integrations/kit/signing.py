"""Standard Webhooks 1.0.0, symmetric: https://www.standardwebhooks.com. Our own narrow module on purpose.

The reference implementation lets ValueError, binascii.Error and UnicodeDecodeError escape for hostile input, which
turns a refusal into a crash; here nothing but `DeliveryRefused` leaves `verify`, and a blank secret verifies nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable

from app.domain.errors import DeliveryRefused
from app.domain.events import Delivery
from app.domain.time import SECOND

TOLERANCE_SECONDS = 300
"""How far a timestamp may be off, in both directions: what Standard Webhooks' own libraries use."""

MAX_SIGNATURES = 8
"""How many signatures of one request are looked at; a rotation needs two, and each costs one HMAC per secret."""

MIN_SECRET_BYTES = 24
"""Standard Webhooks: between 24 and 64 bytes. Shorter ones are taken for a mistake and never used."""

_PREFIX = "whsec_"
# No dot and no comma: the dot separates what is signed, the comma is what a server joins repeated headers with.
_ID = re.compile(r"[!-+\-/-~]{1,128}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURES = re.compile(r"[a-z0-9]+,[A-Za-z0-9+/=]+( [a-z0-9]+,[A-Za-z0-9+/=]+)*")
_REFUSED = "The request is not signed with a secret of this site, or its time is off by more than 300 seconds."
# Verifying with it costs what a real verification costs, so that the time taken does not tell whether a site exists.
_NOBODY = _PREFIX + base64.b64encode(bytes(MIN_SECRET_BYTES)).decode("ascii")


def sign(secret: str, id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Make the headers that sign a request at `timestamp`, in Unix seconds. Raise ValueError for an unfit one."""
    key = _key(secret)
    if key is None:
        raise ValueError("this is no signing secret")
    if not _ID.fullmatch(id):
        raise ValueError("a webhook-id is 1 to 128 printable ASCII characters without blank, dot and comma")
    mac = base64.b64encode(_mac(key, id, str(timestamp), body)).decode("ascii")
    return {"webhook-id": id, "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{mac}"}


def verify(delivery: Delivery, secrets: Iterable[str]) -> str:
    """Prove that one of the secrets signed these bytes lately; return their id. Raise nothing but `DeliveryRefused`."""
    id = delivery.headers.get("webhook-id", "")
    timestamp = delivery.headers.get("webhook-timestamp", "")
    if not _ID.fullmatch(id) or not _TIMESTAMP.fullmatch(timestamp):
        raise DeliveryRefused(_REFUSED)
    if abs(int(timestamp) * SECOND - delivery.received_at) > TOLERANCE_SECONDS * SECOND:
        raise DeliveryRefused(_REFUSED)
    claimed = _signatures(delivery.headers.get("webhook-signature", ""))
    proven = False
    for secret in secrets:
        key = _key(secret)
        if key is None:
            continue
        expected = _mac(key, id, timestamp, delivery.body)
        for signature in claimed:
            # No early exit: which secret and which signature matched is nobody's business.
            proven |= hmac.compare_digest(expected, signature)
    if not proven:
        raise DeliveryRefused(_REFUSED)
    return id


def refuse(delivery: Delivery) -> DeliveryRefused:
    """Make the refusal of a request that names an unknown site; it takes as long as one with a wrong signature."""
    try:
        verify(delivery, (_NOBODY,))
    except DeliveryRefused as refusal:
        return refusal
    return DeliveryRefused(_REFUSED)


def _mac(key: bytes, id: str, timestamp: str, body: bytes) -> bytes:
    return hmac.new(key, f"{id}.{timestamp}.".encode("ascii") + body, hashlib.sha256).digest()


def _key(secret: str) -> bytes | None:
    if not secret.startswith(_PREFIX):
        return None
    key = _decode(secret.removeprefix(_PREFIX))
    return key if key is not None and len(key) >= MIN_SECRET_BYTES else None


def _signatures(header: str) -> list[bytes]:
    # What a server makes of two such headers does not fit either: it joins them with a comma.
    if not _SIGNATURES.fullmatch(header):
        return []
    found = []
    for part in header.split(" ")[:MAX_SIGNATURES]:
        version, _, encoded = part.partition(",")
        mac = _decode(encoded) if version == "v1" else None
        if mac is not None and len(mac) == hashlib.sha256().digest_size:
            found.append(mac)
    return found


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return None
