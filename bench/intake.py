"""Webhooks taken in with a durable commit, beside a bare handler that does one such commit."""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from app.config import Config
from app.db import sites as rows
from app.domain.platform import SiteState
from app.factory import make_core
from app.services.sites import connecting
from bench import load
from bench.processes import PICWARD, environment, free_port, picward, running
from integrations.kit import signing

ROUNDS = 3
SATURATING = 2000
SATURATING_CONNECTIONS = 64  # half of what the two processes can take at a time
SCHEDULED = 1000
PER_SECOND = 100.0


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port, bare_port = free_port(), free_port()
        env = environment(folder / "picward", port)
        picward(env, "migrate")
        os.environ.update({key: env[key] for key in ("PICWARD_DATA_DIR", "PICWARD_PORT")})
        core = make_core(Config())
        site = connecting.add(core, "wordpress", "Bench", "bench")
        # Nobody is there to be paired with. A paused site takes deliveries, and its worker judges nothing meanwhile.
        with core.db.write() as connection:
            rows.change(connection, site.id, state=SiteState.PAUSED, connection={"rest_url": "http://site.test/wp-json/"})
        core.db.close()
        bare_env = {**os.environ, "BARE_DB": str(folder / "bare.db")}
        gunicorn = [sys.executable, "-m", "gunicorn", "-k", "gthread", "-w", "2", "--threads", "64", "--no-control-socket"]
        bare = [*gunicorn, "-b", f"127.0.0.1:{bare_port}", "--log-level", "error", "bench.bare:app"]
        with (
            running([PICWARD, "serve"], env, f"http://127.0.0.1:{port}/ready"),
            running(bare, bare_env, f"http://127.0.0.1:{bare_port}/live"),
        ):
            for warm in (False, True):
                _measure(port, bare_port, site.id, site.secrets[0], 1 if not warm else ROUNDS, report=warm)


def _measure(port: int, bare_port: int, site_id: str, secret: str, rounds: int, *, report: bool) -> None:
    rates, latencies, figures = [], [], []
    for _ in range(rounds):
        ours = load.closed(port, _deliveries(site_id, secret, SATURATING), SATURATING_CONNECTIONS)
        peer = load.closed(bare_port, _bare(SATURATING), SATURATING_CONNECTIONS)
        rates.append(ours.per_second / peer.per_second)
        slow_ours = load.opened(port, _deliveries(site_id, secret, SCHEDULED), PER_SECOND)
        slow_peer = load.opened(bare_port, _bare(SCHEDULED), PER_SECOND)
        latencies.append(slow_ours.p99 / slow_peer.p99)
        figures.append((ours, peer, slow_ours, slow_peer))
    if not report:
        return
    ours, peer, slow_ours, slow_peer = figures[rates.index(sorted(rates)[len(rates) // 2])]
    errors = sum(run.errors for run in (ours, peer, slow_ours, slow_peer))
    if errors:
        print(f"{errors} requests were not answered 202; the figures mean nothing", file=sys.stderr)
    rows = [
        {
            "what": "Webhooks at saturation, 64 at a time",
            "ours": f"{ours.per_second:.0f}/s (p99 {ours.p99:.0f} ms)",
            "beside": f"bare handler {peer.per_second:.0f}/s (p99 {peer.p99:.0f} ms)",
            "ratio": round(statistics.median(rates), 2),
            "goal": ">= 0.80",
            "met": statistics.median(rates) >= 0.8 and errors == 0,
        },
        {
            "what": "Webhooks at 100/s, open loop, p99",
            "ours": f"{slow_ours.p99:.1f} ms (p50 {slow_ours.p50:.1f})",
            "beside": f"bare handler {slow_peer.p99:.1f} ms (p50 {slow_peer.p50:.1f})",
            "ratio": round(statistics.median(latencies), 2),
            "goal": "<= 2.00",
            "met": statistics.median(latencies) <= 2 and errors == 0,
        },
    ]
    print(json.dumps(rows))


def _deliveries(site_id: str, secret: str, count: int) -> list[bytes]:
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
        body = json.dumps({"v": 1, "to": "connector", "type": "media.uploaded", "site": site_id, "media": media}).encode()
        headers = signing.sign(secret, f"ev_{key[:24]}", int(time.time()), body)
        requests.append(
            load.request("/webhooks/wordpress", {**headers, "picward-site": site_id, "Content-Type": "application/json"}, body)
        )
    return requests


def _bare(count: int) -> list[bytes]:
    stamp = time.time_ns()
    return [
        load.request("/hook", {"webhook-id": f"{stamp}-{n}", "Content-Type": "application/json"}, b"x" * 1750)
        for n in range(count)
    ]


if __name__ == "__main__":
    main()
