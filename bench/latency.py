"""From a delivery to its decision on an idle machine, beside a bare fetch, decode and run of the same picture."""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from bench import pictures
from bench.detection import bare
from bench.processes import PICWARD, running
from bench.rows import Row
from tests.support.instance import Instance, wait_for

ROUNDS = 40


class Place(Protocol):
    """Stand at a platform that is connected."""

    def deliver(self, number: int, picture: bytes) -> None:
        """Have a picture, under this number as its id, and tell Picward of it in a delivery `ev_<number>`."""

    def fetch(self, number: int) -> bytes:
        """Fetch it as the platform's integration does, on a new connection, and with nothing around it."""


def rows(connected: Callable[[Instance], AbstractContextManager[Place]]) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        instance = Instance(Path(name), log_level="WARNING")
        with running([PICWARD, "serve"], instance.env, f"{instance.url}/ready"), connected(instance) as place:
            time.sleep(3)  # the model is loaded at the start, and this is about an idle machine
            run = bare()
            alone = []
            for n in range(1, ROUNDS + 1):
                place.deliver(n, pictures.shop_size(n - 1))
                wait_for(lambda wanted=n: len(_decided(instance)) >= wanted, "a decision")
                started = time.perf_counter()
                run(place.fetch(n))
                alone.append(time.perf_counter() - started)
            ours = [row / 1000 for row in _decided(instance)]
    peer = [1000 * seconds for seconds in alone]
    ratio = statistics.median(ours) / statistics.median(peer)
    yield Row(
        "Delivery to decision, 1024 px, idle, p50",
        f"{statistics.median(ours):.0f} ms (p90 {statistics.quantiles(ours, n=10)[-1]:.0f})",
        f"bare fetch + decode + run {statistics.median(peer):.0f} ms",
        round(ratio, 2),
        "<= 2.00",
        ratio <= 2,
    )


def _decided(instance: Instance) -> list[int]:
    """Give, in microseconds, how long each delivery took from its receipt to its decision."""
    query = (
        "SELECT d.decided_at - v.received_at FROM decisions d JOIN jobs j ON j.id = d.job_id "
        "JOIN deliveries v ON v.delivery_id = 'ev_' || j.media_id ORDER BY d.id"
    )
    with sqlite3.connect(f"file:{instance.folder}/var/picward.db?mode=ro", uri=True, timeout=30) as db:
        return [row[0] for row in db.execute(query)]
