"""Webhooks: signed, sent over a real socket, repeated, late, out of order or lost as a test wants."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import threading
import time
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.integrations.shopify.stand_in import payloads
from tests.integrations.shopify.stand_in.model import iso

if TYPE_CHECKING:
    from tests.integrations.shopify.stand_in.server import Shopify

API_VERSION = "2026-10"
ANSWER_SECONDS = 5.0
"""Shopify waits no longer for the whole answer. https://shopify.dev/docs/apps/build/webhooks/subscribe/https"""

RETRIES = 8


@dataclass(frozen=True, slots=True)
class Webhook:
    topic: str
    shop: str
    id: str
    event_id: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def http(self, path: str = "/webhooks/shopify", host: str = "picward.example") -> bytes:
        """Write the request as a recording: request line, headers, an empty line, the body."""
        head = [f"POST {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in self.headers.items())]
        return "\n".join([*head, f"Content-Length: {len(self.body)}", "", ""]).encode() + self.body


@dataclass(frozen=True, slots=True)
class Attempt:
    webhook: Webhook
    status: int
    """What was answered; 0 when nothing was, or too late."""


class Webhooks:
    def __init__(self, shopify: Shopify) -> None:
        self.shopify = shopify
        self.url = ""
        self.pending: deque[Webhook] = deque()
        self.attempts: list[Attempt] = []
        self.copies = 1
        self.newest_first = False
        self.delay = 0.0
        self.family = "classic"
        self.metafields_echo = False
        self.retries = RETRIES
        self.retry_seconds = 0.01
        self._to_drop = 0
        self._wake = threading.Condition()
        self._busy = False
        self._live = False
        self._over = False

    def subscribe(self, url: str, live: bool = False) -> None:
        """Send all shops' webhooks there: at `drain`, or as they happen when `live`."""
        self.url = url
        if live and not self._live:
            self._live = True
            threading.Thread(target=self._send_all, daemon=True).start()

    def drop(self, n: int = 1) -> None:
        self._to_drop += n

    def close(self) -> None:
        with self._wake:
            self._over = True
            self._wake.notify_all()

    def emit(self, topic: str, shop: str, payload: Mapping[str, Any]) -> None:
        if self.family == "events" and topic in ("products/create", "products/update"):
            place = self.shopify.shops[shop]
            action = topic.removeprefix("products/")
            event = payloads.product_event(place, place.products[payload["admin_graphql_api_id"]], action)
            webhook = self.build("Product", shop, event, family="events")
        else:
            webhook = self.build(topic, shop, payload)
        with self._wake:
            if self._to_drop:
                self._to_drop -= 1
                return
            self.pending.extend([webhook] * self.copies)
            self._wake.notify_all()

    def build(
        self,
        topic: str,
        shop: str,
        payload: Mapping[str, Any] | bytes,
        *,
        secret: str | None = None,
        family: str = "classic",
        id: str | None = None,
        event_id: str | None = None,
        triggered_at: float | None = None,
    ) -> Webhook:
        """Make a signed webhook and send it nowhere. `payload` may be the exact bytes of a body."""
        body = payload if isinstance(payload, bytes) else payloads.dumped(payload)
        id, event_id = id or str(uuid.uuid4()), event_id or str(uuid.uuid4())
        at = self.shopify.now() if triggered_at is None else triggered_at
        mac = hmac.new((self.shopify.signing_secret if secret is None else secret).encode(), body, hashlib.sha256).digest()
        words = {
            "Topic": topic,
            "Hmac-Sha256": base64.b64encode(mac).decode(),
            "Shop-Domain": shop,
            "API-Version": API_VERSION,
            "Webhook-Id": id,
            "Triggered-At": iso(at).replace("Z", ".123456789Z"),
        }
        if family == "events":
            action = payload.get("action", "update") if isinstance(payload, Mapping) else "update"
            more, prefix = {"Handle": "product-media", "Action": action}, "Shopify-"
        else:
            more, prefix = {"Event-Id": event_id}, "X-Shopify-"
        headers = {prefix + name: value for name, value in {**words, **more}.items()}
        return Webhook(topic, shop, id, event_id, {"Content-Type": "application/json", **headers}, body)

    def drain(self, timeout: float = 20.0) -> list[Attempt]:
        """Send what waits, and what that brings about; return the attempts. Live: wait until the sender has nothing left."""
        first = len(self.attempts)
        deadline = time.monotonic() + timeout
        if self._live:
            with self._wake:
                if not self._wake.wait_for(lambda: not self.pending and not self._busy, timeout):
                    raise TimeoutError(f"{len(self.pending)} webhooks still wait")
        else:
            while self.pending and time.monotonic() < deadline:
                self._deliver(self.pending.pop() if self.newest_first else self.pending.popleft())
        return self.attempts[first:]

    def _send_all(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self.pending or self._over)
                if self._over:
                    return
                self._busy = True
                if self.delay:
                    self._wake.wait_for(lambda: self._over, self.delay)
                webhook = self.pending.pop() if self.newest_first else self.pending.popleft()
            try:
                self._deliver(webhook)
            finally:
                with self._wake:
                    self._busy = False
                    self._wake.notify_all()

    def _deliver(self, webhook: Webhook) -> None:
        for tries in range(1 + self.retries):
            if tries:
                time.sleep(self.retry_seconds * 2 ** (tries - 1))
            attempt = Attempt(webhook, post(self.url, webhook))
            self.attempts.append(attempt)
            if 200 <= attempt.status < 300 or self._over:
                return


def post(url: str, webhook: Webhook) -> int:
    """Send a webhook once; give the status, 0 when there was no answer in time. A redirect is not followed: it is a failure."""
    parts = urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("POST", parts.path or "/", webhook.body, dict(webhook.headers))
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
