"""What the public can see of hidden pictures: asked from outside, without credentials, and nothing is changed by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from app.domain.errors import PicwardError, PlatformRefused, PlatformUnavailable
from integrations.firebase import naming
from integrations.firebase.apps import BucketMissing
from integrations.firebase.storage import Blob, Store
from integrations.kit.answers import Answer
from integrations.kit.http import Session

SECONDS = 5.0
"""How long one question from outside may take; the owner waits for all of them."""

MAX_ANSWER_BYTES = 100_000
"""How much of an answer is read. One byte of a picture is asked for, and the names of one object at most."""

READING = ("storage.objects.get", "storage.objects.list")
"""The permissions by which a bucket's policy lets somebody read any object in it, or learn what is there."""

NO_PICTURE = "picward-check"
"""A name below the quarantine's prefix that no picture has. What the rules say is asked about it: to be shown the metadata of a
picture that is there makes a download address for it."""


class _Refused(PlatformRefused):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def ways(store: Store) -> Iterator[str]:
    """Name every way by which the public can read hidden pictures, and what opens it. Raise `PlatformUnavailable`.

    Not to be seen from outside: what is open to every signed-in account (`allAuthenticatedUsers`, `request.auth != null`).
    """
    for bucket, prefix in store.quarantines():
        place, path = f"gs://{bucket.name}/{prefix}", f"{_storage(bucket)}/storage/v1/b/{bucket.name}"
        query = "&".join(f"permissions={one}" for one in READING)
        granted = _granted(_ask(f"{path}/iam/testPermissions?{query}"))
        if granted:
            yield (
                f"the policy of gs://{bucket.name} gives allUsers {' and '.join(granted)}: take that role away, or let hidden "
                "pictures go to a bucket of their own"
            )
        for hidden in _sample(store, bucket, prefix) if not granted else ():
            if _ask(f"{path}/o/{quote(hidden.name, safe='')}?alt=media", Range="bytes=0-0").status < 300:
                named = naming.written(hidden.name)[:100]
                yield f"the access list of {named} in gs://{bucket.name} lets everybody read it: hide it once more"
        if bucket.name == store.site.key:  # the rules are about the app's own buckets
            rules = f"{store.firebase}/v0/b/{bucket.name}/o"
            if _ask(f"{rules}/{quote(prefix + NO_PICTURE, safe='')}").status in (200, 404):
                yield f"the Storage rules let everybody get what is in {place}: deny it, as plugins/firebase/rules does"
            if _ask(f"{rules}?prefix={quote(prefix, safe='')}&maxResults=1").status == 200:
                yield f"the Storage rules let everybody list {place}: deny it, as plugins/firebase/rules does"


def _sample(store: Store, bucket: Any, prefix: str) -> list[Blob]:
    try:
        return store.sample(bucket, prefix)
    except BucketMissing:  # pictures were hidden there before
        return []


def _storage(bucket: Any) -> str:
    return str(bucket.client._connection.API_BASE_URL).rstrip("/")


def _ask(url: str, **headers: str) -> Answer:
    """Ask as anybody can. Raise `PlatformUnavailable` where the answer proves nothing."""
    try:
        return Session(private_network=True).request(
            "GET", url, headers=headers, limit=MAX_ANSWER_BYTES, total_seconds=SECONDS, explain=lambda no: _Refused(no.status)
        )
    except _Refused as no:
        if no.status in (400, 401, 403, 404):
            return Answer(no.status, {}, b"", "")
        raise PlatformUnavailable(f"the public's question was answered {no.status}") from None
    except PlatformUnavailable:
        raise
    except PicwardError as error:
        raise PlatformUnavailable(str(error)) from None


def _granted(answer: Answer) -> list[str]:
    try:
        said = json.loads(answer.body or b"{}").get("permissions") or []
        return [one for one in READING if one in said]
    except (ValueError, AttributeError, TypeError):
        raise PlatformUnavailable("the public's question was answered with what cannot be read") from None
