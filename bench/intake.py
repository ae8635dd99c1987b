"""Webhooks taken in with a durable commit, beside a bare handler that does one such commit."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from app.config import Config
from app.db import sites as site_rows
from app.domain.platform import Site, SiteState
from app.factory import make_core
from app.services.sites import connecting
from bench import load
from bench.processes import PICWARD, environment, free_port, picward, running
from bench.rows import Meaningless, Row

ROUNDS = 3
SATURATING = 2000
SATURATING_CONNECTIONS = 64  # half of what the two processes can take at a time
SCHEDULED = 1000
PER_SECOND = 100.0


Deliveries = Callable[[Site, int], list[bytes]]
"""Make so many requests that one site sends, none of them twice."""


def rows(slug: str, connection: Mapping[str, Any], deliveries: Deliveries) -> Iterator[Row]:
    """Measure a site of a platform. Its connection is stored as given: nobody is there to be paired with."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port, bare_port = free_port(), free_port()
        env = environment(folder / "picward", port)
        picward(env, "migrate")
        os.environ.update({key: env[key] for key in ("PICWARD_DATA_DIR", "PICWARD_PORT")})
        core = make_core(Config())
        site = connecting.add(core, slug, "Bench", "bench")
        # A paused site takes deliveries, and its worker judges nothing meanwhile.
        with core.db.write() as open_database:
            site_rows.change(open_database, site.id, state=SiteState.PAUSED, connection=dict(connection))
        core.db.close()
        bare_env = {**os.environ, "BARE_DB": str(folder / "bare.db")}
        gunicorn = [sys.executable, "-m", "gunicorn", "-k", "gthread", "-w", "2", "--threads", "64", "--no-control-socket"]
        bare = [*gunicorn, "-b", f"127.0.0.1:{bare_port}", "--log-level", "error", "bench.bare:app"]
        with (
            running([PICWARD, "serve"], env, f"http://127.0.0.1:{port}/ready"),
            running(bare, bare_env, f"http://127.0.0.1:{bare_port}/live"),
        ):
            made = partial(deliveries, site)
            _measure(port, bare_port, made, 1)  # warm
            yield from _measure(port, bare_port, made, ROUNDS)


def _measure(port: int, bare_port: int, deliveries: Callable[[int], list[bytes]], rounds: int) -> list[Row]:
    rates, latencies, figures = [], [], []
    for _ in range(rounds):
        ours = load.closed(port, deliveries(SATURATING), SATURATING_CONNECTIONS)
        peer = load.closed(bare_port, _bare(SATURATING), SATURATING_CONNECTIONS)
        rates.append(ours.per_second / peer.per_second)
        slow_ours = load.opened(port, deliveries(SCHEDULED), PER_SECOND)
        slow_peer = load.opened(bare_port, _bare(SCHEDULED), PER_SECOND)
        latencies.append(slow_ours.p99 / slow_peer.p99)
        figures.append((ours, peer, slow_ours, slow_peer))
        if errors := sum(run.errors for run in figures[-1]):
            raise Meaningless(f"{errors} requests were not answered 202")
    ours, peer, slow_ours, slow_peer = figures[rates.index(sorted(rates)[len(rates) // 2])]
    rate, latency = statistics.median(rates), statistics.median(latencies)
    return [
        Row(
            f"Webhooks at saturation, {SATURATING_CONNECTIONS} at a time",
            f"{ours.per_second:.0f}/s (p99 {ours.p99:.0f} ms)",
            f"bare handler {peer.per_second:.0f}/s (p99 {peer.p99:.0f} ms)",
            round(rate, 2),
            ">= 0.80",
            rate >= 0.8,
        ),
        Row(
            f"Webhooks at {PER_SECOND:g}/s, open loop, p99",
            f"{slow_ours.p99:.1f} ms (p50 {slow_ours.p50:.1f})",
            f"bare handler {slow_peer.p99:.1f} ms (p50 {slow_peer.p50:.1f})",
            round(latency, 2),
            "<= 2.00",
            latency <= 2,
        ),
    ]


def _bare(count: int) -> list[bytes]:
    stamp = time.time_ns()
    return [
        load.request("/hook", {"webhook-id": f"{stamp}-{n}", "Content-Type": "application/json"}, b"x" * 1750)
        for n in range(count)
    ]
