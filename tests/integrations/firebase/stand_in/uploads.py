"""The three kinds of upload: https://cloud.google.com/storage/docs/uploads-downloads#uploads."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.integrations.firebase.stand_in import json_api
from tests.integrations.firebase.stand_in.objects import Conditions, StoredObject, crc32c_of, md5_of
from tests.integrations.firebase.stand_in.server import Answer, Refusal, Request, route

if TYPE_CHECKING:
    from tests.integrations.firebase.stand_in.gcs import CloudStorage

CHUNK = 256 * 1024
"""Every part of a resumable upload but the last has a multiple of this many bytes; other sizes are refused."""


@dataclass
class Session:
    """Be a resumable upload under way."""

    bucket: str
    name: str
    fields: Mapping[str, Any]
    query: Mapping[str, str]
    received: bytearray = field(default_factory=bytearray)


def insert(gcs: CloudStorage, request: Request, bucket: str) -> Answer:
    query = request.query
    match query.get("uploadType"):
        case "media":
            fields = {"contentType": request.headers.get("content-type")}
            return _stored(gcs, request, bucket, query.get("name", ""), request.body, fields, query)
        case "multipart":
            described, kind, data = _parts(request)
            described.setdefault("contentType", kind)
            return _stored(gcs, request, bucket, described.pop("name", query.get("name", "")), data, described, query)
        case "resumable":
            return _begin(gcs, request, bucket)
    raise Refusal(400, "invalid", "Invalid upload type")


def _begin(gcs: CloudStorage, request: Request, bucket: str) -> Answer:
    query, described = request.query, request.json()
    gcs.found(bucket)
    described.setdefault("contentType", request.headers.get("x-upload-content-type"))
    id = secrets.token_hex(8)
    gcs.sessions[id] = Session(bucket, described.pop("name", query.get("name", "")), described, query)
    target = f"{gcs.address}/upload/storage/v1/b/{bucket}/o?{urlencode({'uploadType': 'resumable', 'upload_id': id})}"
    return Answer(200, {"Location": target, "X-GUploader-UploadID": id})


def go_on(gcs: CloudStorage, request: Request, bucket: str) -> Answer:
    """Take the next part, or tell how far the upload is (`bytes */N`)."""
    session = gcs.sessions.get(request.query.get("upload_id", ""))
    if session is None:
        raise Refusal(404, "notFound", "No such upload")
    said = request.headers.get("content-range", f"bytes 0-{len(request.body) - 1}/{len(request.body)}")
    match = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", said)
    if match is None:
        raise Refusal(400, "invalid", "Invalid Content-Range")
    first, last, total = match.groups()
    if first is not None:
        if int(last) - int(first) + 1 != len(request.body):
            raise Refusal(400, "invalid", "The Content-Range does not fit the body")
        if int(first) != len(session.received):
            return _incomplete(session)
        ends = total != "*" and int(last) + 1 == int(total)
        if not ends and len(request.body) % CHUNK:
            raise Refusal(400, "invalid", "A part's size must be a multiple of 256 KiB")
        session.received += request.body
    if total == "*" or len(session.received) < int(total):
        return _incomplete(session)
    del gcs.sessions[request.query["upload_id"]]
    return _stored(gcs, request, session.bucket, session.name, bytes(session.received), session.fields, session.query)


def _incomplete(session: Session) -> Answer:
    return Answer(308, {"Range": f"bytes=0-{len(session.received) - 1}"} if session.received else {})


def _stored(
    gcs: CloudStorage, request: Request, bucket: str, name: str, data: bytes, fields: Mapping[str, Any], query: Mapping[str, str]
) -> Answer:
    place = gcs.found(bucket)
    acl = json_api.acl_of(query.get("predefinedAcl"), fields)
    _sums_fit(fields, request, data)
    new = place.insert(name, data, fields, acl, Conditions.of(query))
    return json_api.described(gcs, request, new)


def _sums_fit(fields: Mapping[str, Any], request: Request, data: bytes) -> None:
    said = dict(part.split("=", 1) for part in request.headers.get("x-goog-hash", "").split(",") if "=" in part)
    md5, crc32c = fields.get("md5Hash", said.get("md5")), fields.get("crc32c", said.get("crc32c"))
    probe = StoredObject("", "", 0, data, {})
    if md5 not in (None, md5_of(probe)) or crc32c not in (None, crc32c_of(probe)):
        raise Refusal(400, "invalid", "Provided checksum doesn't match calculated checksum.")


def _parts(request: Request) -> tuple[dict[str, Any], str | None, bytes]:
    """Split multipart/related into the described object, and the content type and the bytes."""
    boundary = re.search(r"boundary=[\"']*([^\"';]+)", request.headers.get("content-type", ""))
    pieces = request.body.split(b"--" + boundary[1].encode()) if boundary else []
    if len(pieces) != 4:
        raise Refusal(400, "invalid", "Malformed multipart body.")
    _, described = pieces[1].removeprefix(b"\r\n").split(b"\r\n\r\n", 1)
    head, data = pieces[2].removeprefix(b"\r\n").split(b"\r\n\r\n", 1)
    kind = re.search(rb"content-type:\s*([^\r\n]+)", head, re.IGNORECASE)
    fields = Request("POST", "", {}, {}, described).json()
    return fields, kind[1].decode() if kind else None, data.removesuffix(b"\r\n")


_U = "/upload/storage/v1/b/{}/o"
ROUTES = (
    route("POST", _U, "objects.insert", insert),
    route("PUT", _U, "objects.insert", go_on),
)
