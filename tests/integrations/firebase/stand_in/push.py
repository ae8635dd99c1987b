"""Notifications of Cloud Storage as a subscriber gets them: at least once, in any order, signed.

Forms: https://cloud.google.com/storage/docs/pubsub-notifications (attributes), https://cloud.google.com/pubsub/docs/push
(wrapped), …/docs/payload-unwrapping, https://cloud.google.com/eventarc/docs/cloudevents; and our own forwarder's.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import http.client
import itertools
import json
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from integrations.kit import signing
from tests.integrations.firebase.stand_in.google import GoogleSigner
from tests.integrations.firebase.stand_in.objects import TOKENS, StoredObject, moment, resource

Form = Literal["wrapped", "wrapped-none", "unwrapped", "unwrapped-bare", "eventarc", "forwarder"]

ACKNOWLEDGED = frozenset({102, 200, 201, 202, 204})
"""What Pub/Sub takes for an acknowledgement of a push: https://cloud.google.com/pubsub/docs/push#receive_push."""

SUBSCRIPTION = "projects/demo-test/subscriptions/picward-push"
_CLOUD_EVENTS = {
    "OBJECT_FINALIZE": "google.cloud.storage.object.v1.finalized",
    "OBJECT_DELETE": "google.cloud.storage.object.v1.deleted",
    "OBJECT_METADATA_UPDATE": "google.cloud.storage.object.v1.metadataUpdated",
}
_FORWARDED = {"OBJECT_FINALIZE": "object.finalized", "OBJECT_METADATA_UPDATE": "object.updated"}
FORWARDED_FIELDS = (
    "bucket", "name", "generation", "metageneration", "contentType", "contentEncoding", "size", "md5Hash", "crc32c",
    "cacheControl", "metadata", "timeCreated", "updated",
)  # fmt: skip
"""What our function sends of an object; plugins/firebase/functions has the same list."""

_BACK_OFF_SECONDS = 0.05
_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')


@dataclass(frozen=True, slots=True)
class Sent:
    event: str
    name: str
    generation: int
    attempt: int
    status: int | str
    """The answer, or the name of what went wrong."""


@dataclass(frozen=True, slots=True)
class _Message:
    event: str
    described: Mapping[str, Any]
    attributes: Mapping[str, str]
    id: str
    at: float


class Push:
    """Send one subscriber what happens in the buckets, from a thread of its own."""

    def __init__(
        self,
        url: str,
        *,
        form: Form = "wrapped",
        signer: GoogleSigner | None = None,
        audience: str = "",
        email: str = "picward-push@demo-test.iam.gserviceaccount.com",
        events: Iterable[str] = ("OBJECT_FINALIZE",),
        prefix: str = "",
        secret: str | None = None,
        attempts: int = 5,
    ) -> None:
        if (form == "forwarder") == (secret is None):
            raise ValueError("the forwarder signs with a secret, and nobody else does")
        self.url, self.form, self.audience, self.email = url, form, audience or url, email
        self.signer, self.secret = signer, secret
        self.events, self.prefix, self.attempts = frozenset(events), prefix, attempts
        self.duplicate = 1
        self.reorder = False
        self.delay = 0.0
        self.drop = 0
        self._sent: list[Sent] = []
        self._due: list[tuple[float, int, int, _Message]] = []
        self._held: list[_Message] = []
        self._open = 0
        self._order = itertools.count(1)
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    @property
    def sent(self) -> list[Sent]:
        with self._changed:
            return list(self._sent)

    def take(self, event: str, found: StoredObject, others: Mapping[str, str], address: str) -> None:
        """Take note of what happened; the stand-in calls this."""
        if (
            event not in self.events
            or not found.name.startswith(self.prefix)
            or (self.form == "forwarder" and event not in _FORWARDED)
        ):
            return
        with self._changed:
            if self.drop:
                self.drop -= 1
                return
            message = self._message(event, resource(found, address), others)
            if self.reorder:
                self._held.append(message)
            else:
                self._send(message)

    def request(self, event: str, described: Mapping[str, Any], **others: str) -> tuple[dict[str, str], bytes]:
        """Make one signed request about an object without sending it."""
        return self._request(self._message(event, described, others), 1)

    def drain(self, seconds: float = 10) -> None:
        """Wait until every message is acknowledged or given up. Raise AssertionError when that takes too long."""
        with self._changed:
            held, self._held = self._held, []
            for message in reversed(held):
                self._send(message)
            done = self._changed.wait_for(lambda: not self._open, seconds)
            assert done, f"{self._open} messages are still under way: {self._sent[-5:]}"

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _message(self, event: str, described: Mapping[str, Any], others: Mapping[str, str]) -> _Message:
        now = time.time()
        attributes = {
            "notificationConfig": f"projects/_/buckets/{described['bucket']}/notificationConfigs/1",
            "eventType": event,
            "payloadFormat": "NONE" if self.form == "wrapped-none" else "JSON_API_V1",
            "bucketId": described["bucket"],
            "objectId": described["name"],
            "objectGeneration": described["generation"],
            "eventTime": moment(int(now * 1_000_000)),
        } | dict(others)
        return _Message(event, described, attributes, f"{int(now * 1_000_000)}{next(self._order):04d}", now)

    def _send(self, message: _Message) -> None:
        for _ in range(self.duplicate):
            self._open += 1
            heapq.heappush(self._due, (time.monotonic() + self.delay, next(self._order), 1, message))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        target = urlsplit(self.url)
        connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=30)
        path = target.path + (f"?{target.query}" if target.query else "")
        while (work := self._next()) is not None:
            attempt, message = work
            headers, body = self._request(message, attempt)
            status: int | str
            try:
                connection.request("POST", path or "/", body, headers)
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                status = type(error).__name__
            self._answered(message, attempt, status)
        connection.close()

    def _next(self) -> tuple[int, _Message] | None:
        with self._changed:
            while not self._closed:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    _, _, attempt, message = heapq.heappop(self._due)
                    return attempt, message
                self._changed.wait(wait)
        return None

    def _answered(self, message: _Message, attempt: int, status: int | str) -> None:
        described = message.described
        with self._changed:
            self._sent.append(Sent(message.event, described["name"], int(described["generation"]), attempt, status))
            if status in ACKNOWLEDGED or attempt >= self.attempts:
                self._open -= 1
            else:
                due = time.monotonic() + _BACK_OFF_SECONDS * 2**attempt
                heapq.heappush(self._due, (due, next(self._order), attempt + 1, message))
            self._changed.notify_all()

    def _request(self, message: _Message, attempt: int) -> tuple[dict[str, str], bytes]:
        headers = {"content-type": "application/json", "user-agent": "CloudPubSub-Google"}
        payload = json.dumps(message.described).encode()
        if self.form == "forwarder":
            return self._forwarded(message, headers)
        assert self.signer is not None, "Google signs what it pushes: give a signer"
        headers["authorization"] = f"Bearer {self.signer.id_token(self.audience, self.email)}"
        published = moment(int(message.at * 1_000_000))
        match self.form:
            case "wrapped" | "wrapped-none":
                inner: dict[str, Any] = {"attributes": dict(message.attributes)}
                if self.form == "wrapped":
                    inner["data"] = base64.b64encode(payload).decode()
                inner |= {"messageId": message.id, "message_id": message.id, "publishTime": published, "publish_time": published}
                wrapped = {"message": inner, "subscription": SUBSCRIPTION, "deliveryAttempt": attempt}
                return headers, json.dumps(wrapped).encode()
            case "unwrapped":
                headers |= {
                    "x-goog-pubsub-subscription-name": SUBSCRIPTION,
                    "x-goog-pubsub-message-id": message.id,
                    "x-goog-pubsub-publish-time": published,
                    **{name: _header(value) for name, value in message.attributes.items()},
                }
                return headers, payload
            case "unwrapped-bare":
                return headers, payload
            case "eventarc":
                bucket, name = message.described["bucket"], message.described["name"]
                headers |= {
                    "user-agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google)",
                    "ce-specversion": "1.0",
                    "ce-type": _CLOUD_EVENTS[message.event],
                    "ce-source": f"//storage.googleapis.com/projects/_/buckets/{bucket}",
                    # CloudEvents 1.0, HTTP binding §3.1.3.2: what is not printable ASCII is percent-encoded.
                    "ce-subject": quote(f"objects/{name}", safe=_PRINTABLE),
                    "ce-id": message.id,
                    "ce-time": published,
                    "ce-bucket": bucket,
                }
                return headers, payload
        raise ValueError(f"no such form: {self.form}")

    def _forwarded(self, message: _Message, headers: dict[str, str]) -> tuple[dict[str, str], bytes]:
        assert self.secret is not None
        data = {key: message.described[key] for key in FORWARDED_FIELDS if key in message.described}
        if "metadata" in data:
            data["metadata"] = {key: value for key, value in data["metadata"].items() if key != TOKENS}
        type = _FORWARDED[message.event]
        body = json.dumps({"v": 1, "to": "connector", "type": type, "data": data}, separators=(",", ":")).encode()
        about = (data["metageneration"],) if type == "object.updated" else ()
        id = forwarded_id(type, data["bucket"], data["name"], data["generation"], *about)
        headers["user-agent"] = "picward-forwarder/0.1.0"
        return headers | signing.sign(self.secret, id, int(time.time()), body), body


def forwarded_id(type: str, *about: str) -> str:
    """Give the webhook-id that every retry of one event has."""
    return "obj_" + hashlib.sha256("\n".join((type, *about)).encode()).hexdigest()[:40]


def _header(value: str) -> str:
    # A header is Latin-1 on the wire: what is not is sent as the bytes of its UTF-8, as a proxy passes it on.
    return value.encode().decode("latin-1")
