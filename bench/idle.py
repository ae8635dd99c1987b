"""What `picward serve` costs before it does anything: time to ready, memory, processor."""

from __future__ import annotations

import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.processes import PICWARD, environment, free_port, running, tree
from bench.rows import Row, limited

STARTS = 3
SETTLE_SECONDS = 6
IDLE_SECONDS = 30
READY_SECONDS = 3.0
RESIDENT_MB = 350
IDLE_PERCENT = 1.0


def rows() -> Iterator[Row]:
    starts = []
    with tempfile.TemporaryDirectory() as name:
        for n in range(STARTS):
            port = free_port()
            env = environment(Path(name) / f"var{n}", port)
            started = time.perf_counter()
            with running([PICWARD, "serve"], env, f"http://127.0.0.1:{port}/ready") as process:
                starts.append(time.perf_counter() - started)
                if n < STARTS - 1:
                    continue
                time.sleep(SETTLE_SECONDS)
                family = tree(process.pid)
                memory = {kind: sum(_memory(pid, kind) for pid in family) for kind in ("Pss", "Rss")}
                before, since = sum(map(_cpu, family)), time.perf_counter()
                time.sleep(IDLE_SECONDS)
                idle = 100 * (sum(map(_cpu, family)) - before) / (time.perf_counter() - since)
    ready = statistics.median(starts)
    resident = memory["Pss"]
    yield limited("Start to ready, first start", f"{ready:.1f} s", ready, READY_SECONDS, "s")
    yield limited(f"Resident when idle, {len(family)} processes", f"{resident:.0f} MB", resident, RESIDENT_MB, "MB")
    yield limited("Processor when idle, all processes", f"{idle:.2f} % of a core", idle, IDLE_PERCENT, "%")


def _memory(pid: int, kind: str) -> float:
    """Read a process's memory in MB: Pss shares out pages that several processes hold, Rss counts them in each."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(f"{kind}:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def _cpu(pid: int) -> float:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0
