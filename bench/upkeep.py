"""What is due by time, with few and with many quiet sites: a look, a task's claim and end, idle processor, lateness.

Which sites there are is the platform's own: its bench module says how one is connected, and is listened to on this machine.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import func, insert, select, update

from app.config import Config
from app.db import migrate, policies
from app.db.tables import policies as policy_table
from app.db.tables import sites, tasks
from app.domain.tasks import Next, Task, quiet_seconds, spread
from app.domain.time import DAY, SECOND
from app.factory import make_core
from app.services import turns
from app.services.core import Core
from bench.idle import _cpu
from bench.processes import PICWARD, environment, free_port, running, tree
from bench.rows import Row, limited

COUNTS = (10, 1_000, 10_000)
ROUNDS = 200
SETTLE_SECONDS = 15
IDLE_SECONDS = 60
CLAIM_MS = 2.0
LOOK_MS = 2.0
IDLE_PERCENT = 1.0
LATE_SECONDS = 2.0

Connect = Callable[[Core], str]
"""Connect one active site that answers, and return its id."""


def rows(connect: Connect) -> Iterator[Row]:
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as name:
            folder, port = Path(name) / "var", free_port()
            env = environment(folder, port)
            os.environ.update({key: value for key, value in env.items() if key.startswith("PICWARD_")})
            core = make_core(Config())
            migrate.upgrade(core.db)
            multiply(core, connect(core), count)
            look, ends = looking(core), claiming(core)
            said = f"{count:,} sites"
            yield limited(f"Look for what is due, {said}", f"{look:.2f} ms", look, LOOK_MS, "ms")
            yield limited(f"Claim or end of a task, {said}, p95", f"{ends:.2f} ms of the processor", ends, CLAIM_MS, "ms")
            if count == COUNTS[-1]:
                quieten(core)
                yield from idle(core, env, port, said)
            core.db.close()


def multiply(core: Core, site_id: str, count: int) -> None:
    """Make many sites of one, all quiet for long, each with the tasks that it has by then."""
    now = core.now()
    with core.db.write() as connection:
        first = dict(connection.execute(select(sites).where(sites.c.id == site_id)).one()._mapping)
        policy = policies.get(connection, site_id)
        assert policy is not None
        ids = [f"st_{n:08d}" for n in range(count - 1)]
        known = {"scanned_at": now, "pulsed_at": now, "swept_at": now}
        connection.execute(update(sites).values(known))
        if ids:
            connection.execute(insert(sites), [{**first, **known, "id": id, "name": id} for id in ids])
            connection.execute(insert(policy_table), [{**_values(policy), "site_id": id} for id in ids])
            blank = {"due_at": now + DAY, "lease_until": 0, "token": now, "again": False, "failures": 0, "quiet": 0}
            blank |= {"problem": "", "cursor": ""}
            kinds = list(connection.execute(select(tasks.c.kind).where(tasks.c.site_id == site_id)).scalars())
            connection.execute(insert(tasks), [{**blank, "site_id": id, "kind": kind} for id in ids for kind in kinds])


def _values(policy: policies.PolicyRow) -> dict[str, object]:
    return {name: getattr(policy, name) for name in ("site_id", "version", "rules", "created_at", "created_by")}


def quieten(core: Core) -> None:
    """Put every task where it is after days in which nothing happened."""
    now = core.now()
    platform = next(iter({core.platform(slug) for slug in _slugs(core)}))
    with core.db.write() as connection:
        (count,) = connection.execute(select(func.count()).where(tasks.c.kind == Task.PULSE)).one()
        pulse = quiet_seconds(platform.pulse_seconds, platform.quiet_pulse_seconds, 20, count) * SECOND
        every = {Task.PULSE: pulse, Task.RECONCILE: platform.reconcile_seconds * SECOND}
        for id, site_id, kind in connection.execute(select(tasks.c.id, tasks.c.site_id, tasks.c.kind)).all():
            due_at = spread(now, every.get(kind, DAY), site_id)
            connection.execute(update(tasks).where(tasks.c.id == id).values(due_at=due_at, quiet=20, failures=0))


def _slugs(core: Core) -> list[str]:
    with core.db.read() as connection:
        return list(connection.execute(select(sites.c.platform).distinct()).scalars())


def looking(core: Core) -> float:
    """Measure a look when nothing is due, in ms."""
    with core.db.write() as connection:
        connection.execute(update(tasks).values(due_at=core.now() + DAY))
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        assert turns.due(core) == (False, False)
        taken.append((time.perf_counter() - started) * 1e3)
    return statistics.median(taken)


def claiming(core: Core) -> float:
    """Measure the 95th percentile of taking a task and ending it, in ms of the processor, while all are due.

    The wait for the disk comes on top, and has nothing to do with how many sites there are.
    """
    with core.db.write() as connection:
        connection.execute(update(tasks).values(due_at=core.now() - DAY + tasks.c.id))
    taken = []
    for _ in range(ROUNDS):
        started = time.thread_time()
        turn = turns.take(core)
        assert turn is not None
        middle = time.thread_time()
        turns.end(core, turn, Next(core.now()))
        taken += [(middle - started) * 1e3, (time.thread_time() - middle) * 1e3]
    return statistics.quantiles(taken, n=20)[-1]


def idle(core: Core, env: dict[str, str], port: int, said: str) -> Iterator[Row]:
    """Measure all processes of `picward serve` while the sites are quiet, and how late what is due gets its turn."""
    with running([PICWARD, "serve"], env, f"http://127.0.0.1:{port}/ready") as process:
        time.sleep(SETTLE_SECONDS)
        family = tree(process.pid)
        before, since, late = sum(map(_cpu, family)), time.perf_counter(), 0.0
        while (passed := time.perf_counter() - since) < IDLE_SECONDS:
            time.sleep(0.2)
            with core.db.read() as connection:
                oldest = connection.execute(select(func.min(tasks.c.due_at))).scalar() or core.now()
            late = max(late, (core.now() - oldest) / SECOND)
        percent = 100 * (sum(map(_cpu, family)) - before) / passed
    with core.db.read() as connection:
        (had,) = connection.execute(select(func.count()).where(tasks.c.kind == Task.PULSE, tasks.c.quiet > 20)).one()
    assert had > 0, "no site had a turn: nothing was measured"
    yield limited(f"Processor when idle, {said}, all processes", f"{percent:.2f} % of a core", percent, IDLE_PERCENT, "%")
    yield limited(
        f"Latest turn of a task, {said}, in {IDLE_SECONDS} s with {had} pulses", f"{late:.2f} s", late, LATE_SECONDS, "s"
    )
