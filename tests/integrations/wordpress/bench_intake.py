"""Webhooks of a WordPress site, beside a bare handler; see bench/intake.py."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator

from app.domain.platform import Site
from bench import intake, load
from bench.rows import Row
from integrations.kit import signing


def rows() -> Iterator[Row]:
    return intake.rows("wordpress", {"rest_url": "http://site.test/wp-json/"}, _deliveries)


def _deliveries(site: Site, count: int) -> list[bytes]:
    requests = []
    for n in range(count):
        key = hashlib.sha256(f"{time.time_ns()}{n}".encode()).hexdigest()
        media = {
            "id": str(int(key[:12], 16)),
            "sha256": key,
            "file": f"2026/11/picture-{n}.jpg",
            "url": f"http://site.test/wp-content/uploads/2026/11/picture-{n}.jpg",
            "mime": "image/jpeg",
            "bytes": 204800,
            "width": 1024,
            "height": 768,
            "title": "x" * 1200,
            "parent": None,
            "author": {"id": "3", "roles": ["author"]},
            "created": "2026-11-22T12:00:00Z",
        }
        body = json.dumps({"v": 1, "to": "connector", "type": "media.uploaded", "site": site.id, "media": media}).encode()
        headers = signing.sign(site.secrets[0], f"ev_{key[:24]}", int(time.time()), body)
        requests.append(
            load.request("/webhooks/wordpress", {**headers, "picward-site": site.id, "Content-Type": "application/json"}, body)
        )
    return requests
