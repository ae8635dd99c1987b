"""From a delivery to its decision on an idle machine, beside a bare fetch, decode and run of the same picture."""

from __future__ import annotations

import json
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

import requests

from bench import pictures
from bench.detection import bare
from bench.processes import PICWARD, environment, free_port, running
from integrations.kit import signing
from tests.e2e.test_chaos import connect
from tests.integrations.wordpress.stand_in import Attachment, PluginDouble
from tests.support.instance import Instance, wait_for

ROUNDS = 40


def main() -> None:
    with tempfile.TemporaryDirectory() as name, PluginDouble("", "", {}) as double:
        instance = Instance(Path(name), log_level="WARNING")
        instance.port = free_port()
        instance.env = environment(Path(name) / "var", instance.port)
        instance.url = f"http://127.0.0.1:{instance.port}"
        with running([PICWARD, "serve"], instance.env, f"{instance.url}/ready"):
            connect(instance, double)
            time.sleep(3)  # the model is loaded at the start, and this is about an idle machine
            run = bare()
            alone = []
            for n in range(ROUNDS):
                picture = pictures.shop_size(n)
                double.attachments[n + 1] = Attachment(n + 1, picture, parent=None)
                _send(instance, double, n + 1)
                wait_for(lambda wanted=n + 1: len(_decided(instance)) >= wanted, "a decision")
                started = time.perf_counter()
                run(_fetch(double, n + 1))
                alone.append(time.perf_counter() - started)
            ours = [row / 1000 for row in _decided(instance)]
    peer = [1000 * seconds for seconds in alone]
    ratio = statistics.median(ours) / statistics.median(peer)
    row = {
        "what": "Delivery to decision, 1024 px, idle, p50",
        "ours": f"{statistics.median(ours):.0f} ms (p90 {statistics.quantiles(ours, n=10)[-1]:.0f})",
        "beside": f"bare fetch + decode + run {statistics.median(peer):.0f} ms",
        "ratio": round(ratio, 2),
        "goal": "<= 2.00",
        "met": ratio <= 2,
    }
    print(json.dumps([row]))


def _send(instance: Instance, double: PluginDouble, media: int) -> None:
    described = double.attachments[media].described()
    body = json.dumps({"v": 1, "to": "connector", "type": "media.uploaded", "site": double.site_id, "media": described}).encode()
    headers = signing.sign(double.secret, f"ev_{media}", int(time.time()), body)
    url = f"{instance.url}/webhooks/wordpress"
    assert requests.post(url, body, headers={**headers, "picward-site": double.site_id}, timeout=10).status_code == 202


def _fetch(double: PluginDouble, media: int) -> bytes:
    """Fetch as the platform does, with a new connection and a signature, and nothing around it."""
    sha256 = double.attachments[media].sha256
    body = json.dumps(
        {"v": 1, "to": "site", "type": "bytes", "site": double.site_id, "id": str(media), "sha256": sha256}
    ).encode()
    headers = signing.sign(double.secret, f"bare_{media}", int(time.time()), body)
    answer = requests.post(f"{double.address}/wp-json/picward/v1/bytes", body, headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.content


def _decided(instance: Instance) -> list[int]:
    """Give, in microseconds, how long each delivery took from its receipt to its decision."""
    query = (
        "SELECT d.decided_at - v.received_at FROM decisions d JOIN jobs j ON j.id = d.job_id "
        "JOIN deliveries v ON v.delivery_id = 'ev_' || j.media_id ORDER BY d.id"
    )
    with sqlite3.connect(f"file:{instance.folder}/var/picward.db?mode=ro", uri=True, timeout=30) as db:
        return [row[0] for row in db.execute(query)]


if __name__ == "__main__":
    main()
