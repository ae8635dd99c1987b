"""Four ways in which we are told of an upload, read into one notice. Pure: bytes in, events out.

Pub/Sub push, wrapped or not: https://cloud.google.com/pubsub/docs/push and …/payload-unwrapping; its attributes:
https://cloud.google.com/storage/docs/pubsub-notifications. Eventarc: a CloudEvent in HTTP's binary mode. Our own forwarder:
see README.md. All of them hold, or name, the same object resource of Cloud Storage.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from app.domain.errors import DeliveryUnreadable
from app.domain.events import Delivery, Event, MediaDeleted, MediaUploaded, Parsed
from app.domain.media import MediaRef
from app.domain.platform import Site
from app.domain.time import microseconds
from integrations.firebase import naming
from integrations.firebase.naming import Kind
from integrations.firebase.settings import Settings
from integrations.firebase.sniffing import said_to_be_other
from integrations.kit.untrusted import Untrusted, read_json

VERSION = 1
"""The forwarder's protocol, `v` in its body."""

MAX_NAME = 1_024
"""Bytes of an object name, by Cloud Storage's own limit; no name has more characters."""

FINALIZED, UPDATED, DELETED, OTHER = "object.finalized", "object.updated", "object.deleted", "object.other"

_PUBSUB = {
    "OBJECT_FINALIZE": FINALIZED,
    "OBJECT_DELETE": DELETED,
    "OBJECT_METADATA_UPDATE": UPDATED,
    "OBJECT_ARCHIVE": OTHER,
}
_CLOUD_EVENTS = {
    "google.cloud.storage.object.v1.finalized": FINALIZED,
    "google.cloud.storage.object.v1.deleted": DELETED,
    "google.cloud.storage.object.v1.metadataUpdated": UPDATED,
    "google.cloud.storage.object.v1.archived": OTHER,
}
_GENERATION = re.compile(r"[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened to which generation of which object. `resource` is what the notice holds of it, often nothing."""

    kind: str
    bucket: str
    name: str
    generation: str
    resource: Untrusted


def forwarded(delivery: Delivery) -> bool:
    """Tell whether a delivery claims to be from our forwarder, which signs by Standard Webhooks; the others are Google's."""
    return "webhook-id" in delivery.headers


def claimed_bucket(delivery: Delivery) -> str:
    """Read the bucket that a delivery claims to be about. Raise `DeliveryUnreadable`."""
    said = delivery.headers.get("picward-site", "")
    return said if forwarded(delivery) and said else read(delivery).bucket


def read(delivery: Delivery) -> Notice:
    """Read any of the four forms. Raise `DeliveryUnreadable`."""
    if forwarded(delivery):
        body = _read(delivery.body)
        if body.integer("v") != VERSION or body.text("to", 20) != "connector":
            raise DeliveryUnreadable(f"The body is not version {VERSION} of what the forwarder sends to a connector.")
        return _notice(body.choice("type", (FINALIZED, UPDATED, DELETED)), body.object("data"))
    if "ce-type" in delivery.headers:
        return _notice(_CLOUD_EVENTS.get(delivery.headers["ce-type"], OTHER), _read(delivery.body))
    if not delivery.body:
        return _from_attributes(_header_attributes(delivery.headers), Untrusted({}))
    body = _read(delivery.body)
    if "message" in body:
        message = body.object("message")
        attributes = message.object("attributes")
        data = message.text("data", 200_000, default="")
        return _from_attributes(attributes, _decoded(data) if data else Untrusted({}))
    # Unwrapped: the body is the resource itself. Without “write metadata” nothing says what happened to it, and then it is
    # looked at: a fetch proves what is there.
    return _notice(_PUBSUB.get(delivery.headers.get("eventtype", "OBJECT_FINALIZE"), OTHER), body)


def parse(delivery: Delivery, site: Site) -> Parsed:
    """Read the events of a delivery, whichever way it came, under an id that every retry shares."""
    notice = read(delivery)
    if notice.bucket != site.key:
        raise DeliveryUnreadable("The notice is about another bucket.")
    said = [notice.kind, notice.bucket, notice.name, notice.generation]
    if notice.kind == UPDATED:  # one generation can be changed often
        said.append(notice.resource.label("metageneration", 20))
    events = _events(delivery, notice, site)
    skipped = not events and notice.kind == FINALIZED and _is_other(notice, site)
    return Parsed("obj_" + hashlib.sha256("\n".join(said).encode()).hexdigest()[:40], events, skipped=int(skipped))


def _is_other(notice: Notice, site: Site) -> bool:
    """Tell whether an upload to a watched path is not looked at, since its type and its name both say that it is no picture."""
    watched = cast(Settings, site.settings).watches(notice.name)
    return watched and said_to_be_other(notice.name, notice.resource.label("contentType"))


def _events(delivery: Delivery, notice: Notice, site: Site) -> tuple[Event, ...]:
    settings = cast(Settings, site.settings)
    if notice.kind == OTHER or not settings.watches(notice.name):
        return ()
    metadata = notice.resource.object("metadata") if "metadata" in notice.resource else Untrusted({})
    said = {naming.MARK: metadata.label(naming.MARK, 300)}
    mark = naming.read_mark(site, said, notice.name, notice.generation, _created_at(notice.resource))
    if mark is not None and mark.kind is Kind.LEAVING:
        return ()  # our own delete after a copy; the picture is hidden or published, not gone
    version = mark.origin if mark is not None and mark.kind is Kind.HERE else notice.generation
    if notice.kind == DELETED:
        # Whoever knows the secret of the forwarder could end what waits for a picture that is still there.
        if forwarded(delivery):
            return ()
        # Without the resource, and so without its metadata, our own deletes cannot be told from the owner's.
        if "metageneration" not in notice.resource:
            return ()
        return (MediaDeleted(naming.media_id(notice.name), version),)
    if not may_be_picture(notice.name, notice.resource.label("contentType"), notice.resource.label("size", 20)):
        return ()
    return (MediaUploaded(media(site, notice.name, version, notice.resource)),)


def media(site: Site, name: str, version: str, resource: Untrusted) -> MediaRef:
    """Describe an object's version by what the resource says; sizes and types are labels, and never trusted."""
    settings = cast(Settings, site.settings)
    context = {
        "content_type": resource.label("contentType"),
        "size": resource.label("size", 20),
        "owner": settings.owner_of(naming.written(name)),
        "file": naming.written(name.rpartition("/")[2])[:200],
        "folder": naming.written(name.rpartition("/")[0])[:200],
    }
    return MediaRef(
        id=naming.media_id(name),
        version=version,
        source=f"gs://{site.key}/{naming.written(name)}",
        context={key: (value,) for key, value in context.items() if value},
        created_at=_created_at(resource),
    )


def _created_at(resource: Untrusted) -> int:
    return microseconds(resource.label("timeCreated", 40))


def may_be_picture(name: str, content_type: str, size: str) -> bool:
    """Leave out folders' placeholders, empty objects, and what its type and its name agree is something else."""
    return not name.endswith("/") and size != "0" and not said_to_be_other(name, content_type)


def _notice(kind: str, resource: Untrusted) -> Notice:
    return Notice(kind, resource.text("bucket", 222), _name(resource, "name"), _generation(resource, "generation"), resource)


def _from_attributes(attributes: Untrusted, resource: Untrusted) -> Notice:
    kind = _PUBSUB.get(attributes.text("eventType", 60), OTHER)
    return Notice(
        kind,
        attributes.text("bucketId", 222),
        _name(attributes, "objectId"),
        _generation(attributes, "objectGeneration"),
        resource,
    )


_ATTRIBUTES = ("eventType", "bucketId", "objectId", "objectGeneration")

KEPT_HEADERS = ("ce-type", *(name.lower() for name in _ATTRIBUTES))
"""What reading a stored delivery needs."""


def _header_attributes(headers: Mapping[str, str]) -> Untrusted:
    """Read attributes that came as headers, where HTTP has lower-cased their names."""
    found = {name: headers[name.lower()] for name in _ATTRIBUTES if name.lower() in headers}
    try:
        # WSGI hands header bytes over as Latin-1 (PEP 3333); Google writes UTF-8.
        found = {name: value.encode("latin-1").decode() for name, value in found.items()}
    except UnicodeError:
        raise DeliveryUnreadable("The headers are not UTF-8.") from None
    return Untrusted(found)


def _decoded(data: str) -> Untrusted:
    try:
        return _read(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        raise DeliveryUnreadable("message.data is not base64.") from None


@lru_cache(maxsize=16)
def _read(body: bytes) -> Untrusted:
    """Read a body once for both who ask: `authenticate` looks whom it is about, `parse` what it says."""
    return read_json(body)


def _name(fields: Untrusted, key: str) -> str:
    name = fields.text(key, MAX_NAME, nul=True)
    if len(name.encode()) > MAX_NAME:
        raise DeliveryUnreadable(f"{key} is longer than {MAX_NAME} bytes.")
    return name


def _generation(fields: Untrusted, key: str) -> str:
    generation = fields.identifier(key, 19)
    if not _GENERATION.fullmatch(generation):
        raise DeliveryUnreadable(f"{key} is no generation.")
    return generation
