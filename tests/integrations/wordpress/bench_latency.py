"""From the delivery of a WordPress site to its decision; see bench/latency.py."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from bench import latency
from bench.rows import Row
from integrations.kit import signing
from tests.integrations.wordpress.pairing import connect
from tests.integrations.wordpress.stand_in import Attachment, PluginStandIn
from tests.support.instance import Instance


def rows() -> Iterator[Row]:
    return latency.rows(_connected)


@contextmanager
def _connected(instance: Instance) -> Iterator[Blog]:
    with PluginStandIn("", "", {}) as stand_in:
        connect(instance, stand_in)
        yield Blog(instance.url, stand_in)


class Blog:
    def __init__(self, url: str, stand_in: PluginStandIn) -> None:
        self._url, self._stand_in = url, stand_in

    def deliver(self, number: int, picture: bytes) -> None:
        stand_in = self._stand_in
        stand_in.attachments[number] = Attachment(number, picture, parent=None)
        media = stand_in.attachments[number].described()
        body = json.dumps(
            {"v": 1, "to": "connector", "type": "media.uploaded", "site": stand_in.site_id, "media": media}
        ).encode()
        headers = signing.sign(stand_in.secret, f"ev_{number}", int(time.time()), body) | {"picward-site": stand_in.site_id}
        assert requests.post(f"{self._url}/webhooks/wordpress", body, headers=headers, timeout=10).status_code == 202

    def fetch(self, number: int) -> bytes:
        stand_in = self._stand_in
        asked = {"site": stand_in.site_id, "id": str(number), "sha256": stand_in.attachments[number].sha256}
        body = json.dumps({"v": 1, "to": "site", "type": "bytes", **asked}).encode()
        headers = signing.sign(stand_in.secret, f"bare_{number}", int(time.time()), body)
        answer = requests.post(f"{stand_in.address}/wp-json/picward/v1/bytes", body, headers=headers, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.content
