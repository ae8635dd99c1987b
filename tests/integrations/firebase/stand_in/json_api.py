"""The calls of Cloud Storage's JSON API on objects and buckets: https://cloud.google.com/storage/docs/json_api/v1."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.integrations.firebase.stand_in.objects import (
    HOLDS,
    PUBLIC,
    WRITABLE,
    Conditions,
    StoredObject,
    crc32c_of,
    md5_of,
    number,
    patched,
    resource,
)
from tests.integrations.firebase.stand_in.server import Answer, Refusal, Request, route

if TYPE_CHECKING:
    from tests.integrations.firebase.stand_in.gcs import CloudStorage

MAX_PAGE = 1000
"""The most objects in one page of a listing, whatever was asked for; the reference of objects.list says so."""

_PREDEFINED: Mapping[str, frozenset[tuple[str, str]]] = {
    "private": frozenset(),
    "projectPrivate": frozenset(),
    "bucketOwnerRead": frozenset(),
    "bucketOwnerFullControl": frozenset(),
    "authenticatedRead": frozenset({("allAuthenticatedUsers", "READER")}),
    "publicRead": frozenset({PUBLIC}),
}


# -- objects ---------------------------------------------------------------------------------------------------------------


def get(gcs: CloudStorage, request: Request, bucket: str, name: str) -> Answer:
    query = request.query
    found = gcs.found(bucket).look(name, number(query, "generation"), Conditions.of(query), reading=True)
    if query.get("alt") == "media":
        request.operation = "objects.media"
        return media(found, request)
    return described(gcs, request, found)


def download(gcs: CloudStorage, request: Request, bucket: str, name: str) -> Answer:
    query = request.query
    found = gcs.found(bucket).look(name, number(query, "generation"), Conditions.of(query), reading=True)
    return media(found, request)


def patch(gcs: CloudStorage, request: Request, bucket: str, name: str) -> Answer:
    return _changed(gcs, request, bucket, name, merge=True)


def update(gcs: CloudStorage, request: Request, bucket: str, name: str) -> Answer:
    return _changed(gcs, request, bucket, name, merge=False)


def _changed(gcs: CloudStorage, request: Request, bucket: str, name: str, merge: bool) -> Answer:
    query, body = request.query, request.json()
    place = gcs.found(bucket)
    found = place.look(name, number(query, "generation"), Conditions.of(query))
    fields = patched(found.fields if merge else {}, body)
    acl = acl_of(query.get("predefinedAcl"), body)
    return described(gcs, request, place.change(found, fields, acl))


def delete(gcs: CloudStorage, request: Request, bucket: str, name: str) -> Answer:
    gcs.found(bucket).delete(name, number(request.query, "generation"), Conditions.of(request.query))
    return Answer(204)


def copy(gcs: CloudStorage, request: Request, bucket: str, name: str, to_bucket: str, to_name: str) -> Answer:
    return described(gcs, request, _copied(gcs, request, bucket, name, to_bucket, to_name))


def rewrite(gcs: CloudStorage, request: Request, bucket: str, name: str, to_bucket: str, to_name: str) -> Answer:
    query = request.query
    source = _source(gcs, request, bucket, name)
    target = [source.generation, to_bucket, to_name]
    done = 0
    if "rewriteToken" in query:
        *claimed, done = json.loads(base64.b64decode(query["rewriteToken"]))
        if claimed != target:
            raise Refusal(400, "invalid", "Invalid rewrite token")
    else:
        # What will be refused at the end is refused at the beginning.
        Conditions.of(query).check(gcs.found(to_bucket).get(to_name))
    done = min(source.size, done + (gcs.rewrite_chunk or source.size))
    progress = {"kind": "storage#rewriteResponse", "totalBytesRewritten": str(done), "objectSize": str(source.size)}
    if done < source.size:
        token = base64.b64encode(json.dumps([*target, done]).encode()).decode()
        return Answer.of(progress | {"done": False, "rewriteToken": token})
    new = _copied(gcs, request, bucket, name, to_bucket, to_name)
    return Answer.of(progress | {"done": True, "resource": resource(new, gcs.address)})


def _source(gcs: CloudStorage, request: Request, bucket: str, name: str) -> StoredObject:
    query = request.query
    return gcs.found(bucket).look(name, number(query, "sourceGeneration"), Conditions.of(query, "ifSource"))


def _copied(gcs: CloudStorage, request: Request, bucket: str, name: str, to_bucket: str, to_name: str) -> StoredObject:
    source, body = _source(gcs, request, bucket, name), request.json()
    carried = {key: value for key, value in source.fields.items() if key not in HOLDS}
    given = {key: value for key, value in body.items() if key in (*WRITABLE, *HOLDS)}
    # Services differ, and so may the real one over time: whoever relies on one of the two is caught by the other.
    if given and gcs.rewrite == "merge":
        carried = patched(carried, given)
    elif given:
        carried = given
    acl = acl_of(request.query.get("destinationPredefinedAcl"), body)
    return gcs.found(to_bucket).insert(to_name, source.content, carried, acl, Conditions.of(request.query))


def move(gcs: CloudStorage, request: Request, bucket: str, name: str, to_name: str) -> Answer:
    place, source = gcs.found(bucket), _source(gcs, request, bucket, name)
    if source.held:
        raise Refusal(403, "forbidden", f"Object '{bucket}/{name}' is under active hold and cannot be moved.")
    if name == to_name:
        raise Refusal(400, "invalid", "The source and destination object names must differ.")
    new = place.insert(to_name, source.content, source.fields, source.acl, Conditions.of(request.query))
    place.delete(name, source.generation, Conditions())
    return described(gcs, request, new)


def list_(gcs: CloudStorage, request: Request, bucket: str) -> Answer:
    query = request.query
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
    after = _page_token(query.get("pageToken"))
    start = max(prefix, query.get("startOffset", ""), after)
    end = query.get("endOffset")
    limit = min(number(query, "maxResults") or MAX_PAGE, gcs.page_size)
    fields = partial_response(query.get("fields"))
    wanted = fields.get("items") if fields else None
    items: list[dict[str, Any]] = []
    prefixes: list[str] = []
    last = following = ""
    for one in gcs.found(bucket).walk(start):
        if not one.name.startswith(prefix) or (end and one.name >= end):
            break
        # A page ends with a name, or with a folder whose names all are done.
        if one.name == after or (after and delimiter and after.endswith(delimiter) and one.name.startswith(after)):
            continue
        folder = prefix + one.name[len(prefix) :].split(delimiter)[0] + delimiter if delimiter else ""
        if folder and one.name.startswith(folder):
            if folder in prefixes:
                continue
        else:
            folder = ""
        if len(items) + len(prefixes) >= limit:
            following = base64.b64encode(last.encode()).decode()
            break
        if folder:
            prefixes.append(folder)
        else:
            items.append(resource(one, gcs.address, wanted or None))
        last = folder or one.name
    page: dict[str, Any] = {"kind": "storage#objects"}
    page |= {"items": items} if items else {}
    page |= {"prefixes": prefixes} if prefixes else {}
    page |= {"nextPageToken": following} if following else {}
    return Answer.of(_only(page, fields))


def _page_token(token: str | None) -> str:
    try:
        return base64.b64decode(token, validate=True).decode() if token else ""
    except ValueError:
        raise Refusal(400, "invalid", "Invalid page token") from None


def media(found: StoredObject, request: Request) -> Answer:
    """Answer with an object's bytes, or the range of them that was asked for."""
    data = found.data
    headers = {
        "Content-Type": found.content_type,
        "X-Goog-Generation": str(found.generation),
        "X-Goog-Metageneration": str(found.metageneration),
        "X-Goog-Hash": f"crc32c={crc32c_of(found)},md5={md5_of(found)}",
        "X-Goog-Stored-Content-Length": str(len(data)),
        "X-Goog-Stored-Content-Encoding": "identity",
    }
    asked = re.fullmatch(r"bytes=(?:(\d+)-(\d*)|-(\d+))", request.headers.get("range", ""))
    if asked is None:
        return Answer(200, headers, data)
    first, last, suffix = asked.groups()
    start = max(0, len(data) - int(suffix)) if suffix else int(first)
    stop = len(data) if suffix or not last else min(int(last) + 1, len(data))
    if start >= len(data) or start >= stop:
        return Answer(416, {"Content-Range": f"bytes */{len(data)}"})
    return Answer(206, headers | {"Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"}, data[start:stop])


def described(gcs: CloudStorage, request: Request, found: StoredObject) -> Answer:
    fields = partial_response(request.query.get("fields"))
    answer = resource(found, gcs.address, fields or None)
    if request.query.get("projection") == "full" and not gcs.found(found.bucket).uniform:
        answer["acl"] = [_entry(pair) for pair in sorted(found.acl)]
    return Answer.of(answer)


# -- partial responses -----------------------------------------------------------------------------------------------------


def partial_response(text: str | None) -> dict[str, dict[str, Any]]:
    """Read `fields=items(name,generation),nextPageToken` into a tree; an empty one wants everything."""
    root: dict[str, dict[str, Any]] = {}
    stack, current, word = [root], root, ""
    for sign in (text or "") + ",":
        if sign in ",()/":
            if word.strip():
                current = stack[-1].setdefault(word.strip(), {})
            word = ""
            if sign == "(":
                stack.append(current)
            elif sign == ")" and len(stack) > 1:
                stack.pop()
            elif sign == "/":
                raise Refusal(400, "invalid", "This stand-in reads fields with parentheses only")
        else:
            word += sign
    if len(stack) != 1:
        raise Refusal(400, "invalidParameter", f"Invalid field selection {text}")
    return root


def _only(page: dict[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in page.items() if key in fields} if fields else page


# -- access lists ----------------------------------------------------------------------------------------------------------


def acl_of(predefined: str | None, body: Mapping[str, Any]) -> frozenset[tuple[str, str]] | None:
    if predefined:
        if predefined not in _PREDEFINED:
            raise Refusal(400, "invalid", f"Invalid value for predefinedAcl: {predefined}")
        return _PREDEFINED[predefined]
    if isinstance(body.get("acl"), list):
        return frozenset((entry["entity"], entry["role"]) for entry in body["acl"])
    return None


def _entry(pair: tuple[str, str]) -> dict[str, str]:
    return {"kind": "storage#objectAccessControl", "entity": pair[0], "role": pair[1]}


def _listed(gcs: CloudStorage, request: Request, bucket: str, name: str) -> StoredObject:
    place = gcs.found(bucket)
    if place.uniform:
        raise Refusal(400, "invalid", "Cannot get legacy ACL for an object when uniform bucket-level access is enabled.")
    return place.look(name, number(request.query, "generation"), Conditions.of(request.query))


def acl_list(gcs: CloudStorage, request: Request, bucket: str, name: str) -> Answer:
    found = _listed(gcs, request, bucket, name)
    return Answer.of({"kind": "storage#objectAccessControls", "items": [_entry(pair) for pair in sorted(found.acl)]})


def acl_insert(gcs: CloudStorage, request: Request, bucket: str, name: str) -> Answer:
    found, body = _listed(gcs, request, bucket, name), request.json()
    others = {pair for pair in found.acl if pair[0] != body["entity"]}
    new = (body["entity"], body["role"])
    gcs.found(bucket).change(found, found.fields, frozenset(others | {new}))
    return Answer.of(_entry(new))


def acl_delete(gcs: CloudStorage, request: Request, bucket: str, name: str, entity: str) -> Answer:
    found = _listed(gcs, request, bucket, name)
    kept = frozenset(pair for pair in found.acl if pair[0] != entity)
    if kept == found.acl:
        raise Refusal(404, "notFound", "Not Found")
    gcs.found(bucket).change(found, found.fields, kept)
    return Answer(204)


# -- buckets ---------------------------------------------------------------------------------------------------------------


def bucket_get(gcs: CloudStorage, request: Request, bucket: str) -> Answer:
    place = gcs.found(bucket)
    return Answer.of(
        {
            "kind": "storage#bucket",
            "id": place.name,
            "name": place.name,
            "projectNumber": "123456789012",
            "location": "EUROPE-WEST1",
            "locationType": "region",
            "storageClass": "STANDARD",
            "metageneration": "1",
            "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": place.uniform}, "publicAccessPrevention": "inherited"},
        }
    )


def bucket_insert(gcs: CloudStorage, request: Request) -> Answer:
    name = request.json().get("name", "")
    if name in gcs.buckets:
        raise Refusal(409, "conflict", "Your previous request to create the named bucket succeeded and you already own it.")
    gcs.bucket(name)
    return bucket_get(gcs, request, name)


def bucket_permissions(gcs: CloudStorage, request: Request, bucket: str) -> Answer:
    place, asked = gcs.found(bucket), request.queries.get("permissions", [])
    if request.anonymous:
        open = {"storage.objects.get", "storage.objects.list"} if place.open else set()
        return Answer.of({"kind": "storage#testIamPermissionsResponse", "permissions": [one for one in asked if one in open]})
    granted = [one for one in asked if place.permissions is None or one in place.permissions]
    return Answer.of({"kind": "storage#testIamPermissionsResponse"} | ({"permissions": granted} if granted else {}))


def notifications_list(gcs: CloudStorage, request: Request, bucket: str) -> Answer:
    return Answer.of({"kind": "storage#notifications", "items": list(gcs.found(bucket).notifications.values())})


def notifications_insert(gcs: CloudStorage, request: Request, bucket: str) -> Answer:
    configs = gcs.found(bucket).notifications
    id = str(max(map(int, configs), default=0) + 1)
    configs[id] = request.json() | {"kind": "storage#notification", "id": id}
    return Answer.of(configs[id])


def notifications_get(gcs: CloudStorage, request: Request, bucket: str, id: str) -> Answer:
    configs = gcs.found(bucket).notifications
    if id not in configs:
        raise Refusal(404, "notFound", "Not Found")
    return Answer.of(configs[id])


def notifications_delete(gcs: CloudStorage, request: Request, bucket: str, id: str) -> Answer:
    notifications_get(gcs, request, bucket, id)
    del gcs.found(bucket).notifications[id]
    return Answer(204)


_B = "/storage/v1/b/{}"
_O = _B + "/o/{}"
ROUTES = (
    route("GET", _O, "objects.get", get),
    route("GET", "/download" + _O, "objects.media", download),
    route("PATCH", _O, "objects.patch", patch),
    route("PUT", _O, "objects.update", update),
    route("DELETE", _O, "objects.delete", delete),
    route("POST", _O + "/copyTo/b/{}/o/{}", "objects.copy", copy),
    route("POST", _O + "/rewriteTo/b/{}/o/{}", "objects.rewrite", rewrite),
    route("POST", _O + "/moveTo/o/{}", "objects.move", move),
    route("GET", _B + "/o", "objects.list", list_),
    route("GET", _O + "/acl", "acl.list", acl_list),
    route("POST", _O + "/acl", "acl.insert", acl_insert),
    route("DELETE", _O + "/acl/{}", "acl.delete", acl_delete),
    route("POST", "/storage/v1/b", "buckets.insert", bucket_insert),
    route("GET", _B, "buckets.get", bucket_get),
    route("GET", _B + "/iam/testPermissions", "buckets.testIamPermissions", bucket_permissions),
    route("GET", _B + "/notificationConfigs", "notifications.list", notifications_list),
    route("POST", _B + "/notificationConfigs", "notifications.insert", notifications_insert),
    route("GET", _B + "/notificationConfigs/{}", "notifications.get", notifications_get),
    route("DELETE", _B + "/notificationConfigs/{}", "notifications.delete", notifications_delete),
)
