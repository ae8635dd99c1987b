"""What an app's users reach: Firebase's own address of an object with its download tokens, and Cloud Storage's public one.

Firebase checks no rules for a request with a token: "the Firebase Storage simply checks if the token embedded in the URL is
also available in the object's metadata" (firebase-admin-java, pull request 51). It makes a token when the metadata are read
and there is none (firebase-tools, pull request 4278): whoever may read a hidden picture's metadata can publish it again.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from tests.integrations.firebase.stand_in.json_api import media
from tests.integrations.firebase.stand_in.objects import TOKENS, Conditions, StoredObject, number, resource
from tests.integrations.firebase.stand_in.server import Answer, Refusal, Request, route

if TYPE_CHECKING:
    from tests.integrations.firebase.stand_in.gcs import CloudStorage

_DENIED = "Permission denied."


def read(gcs: CloudStorage, request: Request, bucket: str, name: str) -> Answer:
    token = request.query.get("token")
    downloads = request.query.get("alt") == "media"
    request.operation = "firebase.download" if downloads else "firebase.metadata"
    permitted = token is None and gcs.permits("get", bucket, name)
    found = gcs.buckets[bucket].get(name) if bucket in gcs.buckets else None
    if found is None:
        # Only somebody who may read learns that there is nothing; a token is about an object, and there is none.
        raise (
            Refusal(404, "notFound", "Not Found.  Could not get object")
            if permitted or token
            else Refusal(403, "forbidden", _DENIED)
        )
    if not permitted and token not in found.tokens:
        raise Refusal(403, "forbidden", _DENIED)
    if not downloads:
        return _described(gcs, found)
    answer = media(found, request)
    return Answer(
        answer.status, dict(answer.headers) | {"Cache-Control": found.cache_control or "private, max-age=0"}, answer.body
    )


def list_(gcs: CloudStorage, request: Request, bucket: str) -> Answer:
    if not gcs.permits("list", bucket, request.query.get("prefix", "")):
        raise Refusal(403, "forbidden", _DENIED)
    names = [name for name in gcs.found(bucket).names() if name.startswith(request.query.get("prefix", ""))]
    return Answer.of({"prefixes": [], "items": [{"name": name, "bucket": bucket} for name in names]})


def upload(gcs: CloudStorage, request: Request, bucket: str) -> Answer:
    """Take a client's upload (its bytes as the body, the name in the query); the object gets a token at once."""
    name = request.query.get("name", "")
    if not gcs.permits("create", bucket, name):
        raise Refusal(403, "forbidden", _DENIED)
    fields = {"contentType": request.headers.get("content-type"), "metadata": {TOKENS: str(uuid.uuid4())}}
    return _described(gcs, gcs.found(bucket).insert(name, request.body, fields, None, Conditions()))


def _described(gcs: CloudStorage, found: StoredObject) -> Answer:
    if not found.tokens:
        metadata = found.metadata | {TOKENS: str(uuid.uuid4())}
        found = gcs.found(found.bucket).change(found, dict(found.fields) | {"metadata": metadata})
    described: dict[str, Any] = resource(found, gcs.address)
    described["metadata"] = {key: value for key, value in found.metadata.items() if key != TOKENS}
    return Answer.of(described | {"downloadTokens": ",".join(found.tokens)})


def public(gcs: CloudStorage, request: Request, bucket: str, name: str) -> Answer:
    place = gcs.buckets.get(bucket)
    generation = number(request.query, "generation")
    try:
        found = place.look(name, generation, Conditions()) if place else None
    except Refusal:
        found = None
    if place is None or found is None or not place.readable(found):
        # Who may not list is not told whether there is an object.
        text = b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>AccessDenied</Code><Message>Access denied.</Message></Error>"
        return Answer(403, {"Content-Type": "application/xml; charset=UTF-8"}, text)
    answer = media(found, request)
    headers = dict(answer.headers) | {"Cache-Control": found.cache_control or "public, max-age=3600"}
    return Answer(answer.status, headers, answer.body)


ROUTES = (
    route("GET", "/v0/b/{}/o/{}", "firebase.metadata", read),
    route("GET", "/v0/b/{}/o", "firebase.list", list_),
    route("POST", "/v0/b/{}/o", "firebase.upload", upload),
)
PUBLIC_ROUTE = route("GET", "/{}/{*}", "public.get", public)
"""Goes last: it fits almost every path."""
