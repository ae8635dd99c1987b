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
from tests.integrations.wordpress.stand_in import Attachment, PluginDouble
from tests.support.instance import Instance


def rows() -> Iterator[Row]:
    return latency.rows(_connected)


@contextmanager
def _connected(instance: Instance) -> Iterator[Blog]:
    with PluginDouble("", "", {}) as double:
        connect(instance, double)
        yield Blog(instance.url, double)


class Blog:
    def __init__(self, url: str, double: PluginDouble) -> None:
        self._url, self._double = url, double

    def deliver(self, number: int, picture: bytes) -> None:
        double = self._double
        double.attachments[number] = Attachment(number, picture, parent=None)
        media = double.attachments[number].described()
        body = json.dumps({"v": 1, "to": "connector", "type": "media.uploaded", "site": double.site_id, "media": media}).encode()
        headers = signing.sign(double.secret, f"ev_{number}", int(time.time()), body) | {"picward-site": double.site_id}
        assert requests.post(f"{self._url}/webhooks/wordpress", body, headers=headers, timeout=10).status_code == 202

    def fetch(self, number: int) -> bytes:
        double = self._double
        asked = {"site": double.site_id, "id": str(number), "sha256": double.attachments[number].sha256}
        body = json.dumps({"v": 1, "to": "site", "type": "bytes", **asked}).encode()
        headers = signing.sign(double.secret, f"bare_{number}", int(time.time()), body)
        answer = requests.post(f"{double.address}/wp-json/picward/v1/bytes", body, headers=headers, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.content
