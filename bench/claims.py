"""Claims and ends of jobs with few and with many sites, and the processor's time for each picture beside its judgement."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import insert, select

from app.db import jobs
from app.db.tables import sites as site_table
from app.domain.jobs import Priority, WorkState
from app.domain.media import MediaRef
from app.domain.time import SECOND
from app.services.pipeline import enforce
from app.services.pipeline.moderate import Moderator
from app.services.rules import policies as rules
from bench.rows import Row, limited
from tests.support.core import Bench, make_bench

SITES = (10, 1_000, 10_000)
CLAIMS = 400
"""Claims that are measured: enough for the 20 slowest to say what the 95th percentile is."""

PICTURES = 400
LIMIT_MS = 2.0
PICTURE_LIMIT_MS = 6.0

POLICY = [{"category": "sexual.explicit_nudity", "review": 0.3, "block": 0.6, "mode": "enforce"}]


def rows() -> Iterator[Row]:
    """Measure in the processor's time: the disk's share of a commit is its own."""
    for count in SITES:
        with tempfile.TemporaryDirectory() as folder:
            yield _claims(make_bench(Path(folder)), count)
    with tempfile.TemporaryDirectory() as folder:
        yield _pictures(make_bench(Path(folder)))


def _claims(bench: Bench, count: int) -> Row:
    """Claim and end one job of every site in turn, all of them with work; each in a transaction of its own, as workers do."""
    core, first = bench.core, bench.site()
    with core.db.write() as connection:
        row = dict(connection.execute(select(site_table).where(site_table.c.id == first.id)).one()._mapping)
        connection.execute(insert(site_table), [{**row, "id": f"st_{number}"} for number in range(count - 1)])
        for number in range(max(CLAIMS, count)):
            site = f"st_{number % (count - 1)}"
            jobs.add(connection, site, MediaRef(f"m{number}", "v", context={}), 0, Priority.UPLOAD, core.now())
    took = []
    for _ in range(CLAIMS):
        bench.clock.pass_seconds(0.001)
        began = time.thread_time()
        with core.db.write() as connection:
            job = jobs.claim(connection, core.now(), 180 * SECOND)
        if job is None:
            raise RuntimeError("no job was due")
        with core.db.write() as connection:
            jobs.end(connection, job, WorkState.DONE, core.now())
        took.append((time.thread_time() - began) * 1000)
    p95 = sorted(took)[int(len(took) * 0.95)]
    what = f"Claim and end of a job among {count:,} sites with work, p95, of the processor"
    return limited(what, f"{p95:.2f} ms (p50 {sorted(took)[len(took) // 2]:.2f})", p95, LIMIT_MS, "ms")


def _pictures(bench: Bench) -> Row:
    """Take pictures from claim to stored decision and applied action, with a judge and a platform that cost next to nothing."""
    core, site = bench.core, bench.site()
    rules.save(core, site.id, POLICY, "owner")
    for number in range(PICTURES):
        data = str(number).encode()
        bench.platform.images[str(number)] = data
        bench.judge.tell(data, "sexual.explicit_nudity", 0.95)
    media = [bench.platform.ref(str(number)) for number in range(PICTURES)]
    with core.db.write() as connection:
        jobs.add_many(connection, site.id, media, Priority.UPLOAD, core.now())
    moderator, began = Moderator(core), time.process_time()
    # As the worker's lanes do, which look before they claim: neither asks for what the other has.
    while moderator.run_next():
        bench.clock.pass_seconds(0.001)
    while enforce.run_next(core):
        bench.clock.pass_seconds(0.001)
    spent = (time.process_time() - began) * 1000 / PICTURES
    if len(bench.platform.applied) != PICTURES:
        raise RuntimeError("not every picture was judged and hidden")
    what = "A picture from claim to decision and applied action, of the processor, without its judgement"
    return limited(what, f"{spent:.1f} ms", spent, PICTURE_LIMIT_MS, "ms")
