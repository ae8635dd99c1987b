"""Claims and ends of jobs on PostgreSQL by several processes at once: what one costs must not grow with how many there are.

The processor's time is that of all processes, the server's included. `python -m bench.postgresql DATABASE_URL` is one of them:
it claims and ends with a few threads until nothing is due, and prints how often, and its seconds of the processor.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import create_engine, make_url

from app.db import jobs, lines, migrate
from app.db import sites as rows_of_sites
from app.db.engine import Database
from app.db.sites import NewSite
from app.domain.jobs import Priority, WorkState
from app.domain.media import MediaRef
from app.domain.platform import SiteState
from app.domain.time import SECOND
from bench.processes import tree
from bench.rows import TO_KNOW, Meaningless, Missing, Row
from tests.support import postgresql

PROCESSES = (1, 2, 4, 8)
ORDER = (*PROCESSES, *reversed(PROCESSES))
"""Each twice, of which the cheaper one counts: a machine that does something else meanwhile only adds."""

THREADS = 3
JOBS, SITES = 1_500, 50
WARM = 5
"""Claims of each thread before those that count: a process compiles its statements once, and a connection reads the catalogue."""

MOST = 1.15
"""How much more a claim and end may cost with the most processes than with one."""


def rows() -> Iterator[Row]:
    if postgresql.binaries() is None:
        raise Missing("PostgreSQL is not installed; sh tests/support/install.sh installs it on Debian and Ubuntu")
    found: dict[int, list[tuple[float, float]]] = {count: [] for count in PROCESSES}
    with postgresql.server() as url:
        _fill(_made(url, "filled"))
        for number, count in enumerate(ORDER):
            found[count].append(_run(url, f"claims_{number}", count))
    alone = min(found[1])[0]
    for count in PROCESSES:
        spent, per_second = min(found[count])
        ratio = round(spent / alone, 2)
        goal, met = (TO_KNOW, True) if count == 1 else (f"<= {MOST:.2f}", ratio <= MOST)
        what = f"A job's claim and end on PostgreSQL, {count} processes, of the processor, the server's included"
        yield Row(what, f"{spent:.2f} ms ({per_second:.0f}/s)", f"1 process {alone:.2f} ms", ratio, goal, met)


def _run(server: str, name: str, count: int) -> tuple[float, float]:
    """Let so many processes work through a fresh database; give the milliseconds of a claim and end, and how many a second."""
    url = _made(server, name, "TEMPLATE filled")
    postmaster = _postmaster(url)
    command = [sys.executable, "-m", "bench.postgresql", url]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE) for _ in range(count)]
    for process in processes:
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            raise Meaningless("a process did not start")
    before, began = _spent(postmaster), time.perf_counter()
    told = [json.loads(process.communicate()[0]) for process in _released(processes)]
    took = time.perf_counter() - began
    done = sum(count for count, _ in told)
    if done < JOBS:
        raise Meaningless(f"{done} of {JOBS} jobs were done")
    spent = _spent(postmaster) - before + sum(seconds for _, seconds in told)
    return spent * 1000 / done, done / took


def _released(processes: list[subprocess.Popen[bytes]]) -> list[subprocess.Popen[bytes]]:
    """Let all begin at once, before the first is waited for."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    return processes


def _fill(url: str) -> None:
    db, now = Database(url), _now()
    migrate.upgrade(db)
    with db.write() as connection:
        for number in range(SITES):
            none = {"connection": {}, "settings": {}, "found": "", "key": "", "credentials": None}
            site = NewSite(f"st_{number}", "bench", f"Site {number}", SiteState.ACTIVE, b"", created_at=now, paired_at=now,
                           checked_at=None, **none)  # fmt: skip
            rows_of_sites.add(connection, site)
        for number in range(JOBS + PROCESSES[-1] * THREADS * WARM):
            jobs.add(connection, f"st_{number % SITES}", MediaRef(f"m{number}", "v"), 0, Priority.UPLOAD, now)
    db.close()


def _now() -> int:
    return time.time_ns() // 1_000


def _made(server: str, name: str, like: str = "") -> str:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} {like}")
    engine.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _postmaster(url: str) -> int:
    """Find the process that the server's others are children of."""
    engine = create_engine(url)
    with engine.connect() as connection:
        backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        parent = Path(f"/proc/{backend}/stat").read_text().rsplit(")", 1)[1].split()[1]
    engine.dispose()
    return int(parent)


def _spent(postmaster: int) -> float:
    """Give the seconds of the processor that a server has used, those of its processes that have ended included."""
    ticks = 0
    for pid in tree(postmaster):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += sum(map(int, fields[11:15] if pid == postmaster else fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def work(url: str) -> None:
    db, ready = Database(url), threading.Barrier(THREADS + 1)
    done = [0] * THREADS
    threads = [threading.Thread(target=_claim_all, args=(db, done, number, ready)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    ready.wait()
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.process_time()
    ready.wait()
    for thread in threads:
        thread.join()
    print(json.dumps([sum(done), time.process_time() - began]))
    db.close()


def _claim_all(db: Database, done: list[int], place: int, ready: threading.Barrier) -> None:
    for _ in range(WARM):
        _claim(db)
    ready.wait()
    ready.wait()
    while True:
        if _claim(db):
            done[place] += 1
            continue
        with db.read() as connection:
            if not lines.look(connection, lines.JOBS, _now())[0]:
                return


def _claim(db: Database) -> bool:
    """Claim a job and end it; False when others have locked all that are due."""
    with db.write() as connection:
        job = jobs.claim(connection, _now(), 180 * SECOND)
    if job is not None:
        with db.write() as connection:
            jobs.end(connection, job, WorkState.DONE, _now())
    return job is not None


if __name__ == "__main__":
    work(sys.argv[1])
