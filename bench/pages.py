"""The console on a million decisions: server time of every page, weights, the queue's next item, a policy's replay, LCP.

Server time is that of the WSGI application in this process, by Flask's test client: routing, SQL, templates and no network.
LCP is seen by Chromium on a page of the real web processes, over loopback, on this machine. PICWARD_BENCH_DATABASE
names a seeded database to be taken instead of making one; it is written to.
"""

from __future__ import annotations

import gc
import os
import random
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import delete, insert, select

from app.config import Config
from app.db import tables
from app.db.engine import Database
from app.domain.policy import read_policy
from app.domain.statistics import Tally
from app.domain.time import DAY
from app.domain.visibility import Visibility
from app.factory import make_core
from app.services.core import Core
from app.services.people import accounts, sessions
from app.services.review import queue
from app.services.sites import sites
from app.services.trying import backtest
from app.web.application import make_application
from bench import seed
from bench.processes import PICWARD, free_port, running
from bench.rows import Meaningless, Missing, Row, limited

ROUNDS = 40
WARM = 3
MANY_SITES, IN_TROUBLE = 10_000, 200
PAGE_MS = 100
NEXT_MS = 50
REPLAY_SECONDS = 2.0
REPLAYED = 100_000
WEIGHT_KB = 100
LCP_SECONDS = 1.0
"""On this machine; https://web.dev/articles/lcp calls 2.5 s good at the 75th percentile of visits."""

_LINKS = frozenset({"setup", "join", "reset", "enter"})
"""Pages behind a one-time link; they read one row."""

_BLOCKED = """SELECT id FROM decisions d WHERE verdict = 'block'
AND NOT EXISTS (SELECT 1 FROM decisions l WHERE l.supersedes = d.id) ORDER BY id"""

_DRAFT = [
    {"category": "sexual.explicit_nudity", "review": 0.30, "block": 0.50, "mode": "enforce"},
    {"category": "sexual.suggestive", "review": 0.60, "mode": "review"},
    {"category": "privacy.face", "review": 0.85, "mode": "review"},
]


@dataclass
class Console:
    """Hold the application on a seeded database, an owner's session, and ids to ask about."""

    core: Core
    application: Flask
    session: str
    dice: random.Random
    site: str
    decisions: Mapping[str, list[int]]

    def client(self) -> Any:
        made = self.application.test_client()
        made.set_cookie("picward", self.session)
        return made


def rows() -> Iterator[Row]:
    with _database() as path:
        console = _open(path)
        yield from _pages(console)
        yield _next(console)
        yield _replay(console)
        yield from _many_sites(console)
        console.core.db.close()
        yield from _paints(path, console)


@contextmanager
def _database() -> Iterator[Path]:
    if seeded := os.environ.get("PICWARD_BENCH_DATABASE"):
        yield Path(seeded).absolute()
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picward.db"
        seed.seed(path, seed.DECISIONS, int(time.time()) * 1_000_000)
        yield path


def _open(path: Path) -> Console:
    config = Config(data_dir=path.parent, database_url=f"sqlite:///{path}", secret_key=seed.SECRET_KEY, log_level="WARNING")
    core = make_core(config)
    application = make_application(core, max_body_bytes=config.max_body_bytes)
    gc.freeze()  # as the web processes do; else a full collection of all that was imported falls into some requests
    owner = next(account.id for account in accounts.listing(core) if account.email == seed.EMAIL)
    dice = random.Random(7)
    found = {
        "waiting": _ids(core.db, "SELECT decision_id FROM waiting WHERE NOT restricted ORDER BY decision_id"),
        "blocked": _ids(core.db, _BLOCKED),
        "any": _ids(core.db, "SELECT id FROM decisions WHERE id % 997 = 0 ORDER BY id"),
    }
    return Console(core, application, sessions.open_session(core, owner), dice, sites.listing(core)[0].id, found)


def _ids(db: Database, query: str) -> list[int]:
    with db.read() as connection:
        return [row[0] for row in connection.exec_driver_sql(query)]


def _addresses(console: Console) -> dict[str, Callable[[], str]]:
    """Give what to ask for: each page of the console by its route, and lists by their filters and far from the beginning."""
    dice, ids = console.dice, console.decisions
    values: dict[str, Callable[[], Any]] = {
        "site_id": lambda: console.site,
        "decision_id": lambda: dice.choice(ids["waiting" if dice.random() < 0.5 else "blocked"]),
        "person_id": lambda: 1,
    }
    made: dict[str, Callable[[], str]] = {}
    for rule in console.application.url_map.iter_rules():
        first = rule.rule.split("/")[1]
        if not rule.endpoint.startswith("console.") or "GET" not in (rule.methods or ()) or first in _LINKS:
            continue
        if "export" in rule.rule or not set(rule.arguments) <= set(values):  # an export is sent as it is read
            continue
        # A statement of reasons is about something that was blocked.
        of = values | ({"decision_id": lambda: dice.choice(ids["blocked"])} if "statement" in rule.rule else {})
        made[rule.rule] = lambda rule=rule, of=of: console.application.url_map.bind("x").build(
            rule.endpoint, {name: of[name]() for name in rule.arguments}
        )
    before = lambda: dice.choice(ids["any"])  # noqa: E731
    lists = {
        "/decisions, far back": lambda: f"/decisions?before={before()}",
        "/decisions, of one site": lambda: f"/decisions?site={console.site}&before={before()}",
        "/decisions, blocked": lambda: f"/decisions?verdict=block&before={before()}",
        "/decisions, by one person": lambda: f"/decisions?person=Ben&before={before()}",
        "/decisions, by category and site": lambda: f"/decisions?category=privacy.face&site={console.site}",
        "/decisions, parked": lambda: "/decisions?state=parked",
        "/decisions, searched": lambda: f"/decisions?q=IMG_{dice.randrange(9973):04d}",
        "/history, far back": lambda: f"/history?before={dice.randrange(1, 40_000)}",
        "/insights, a year": lambda: "/insights?days=365",
        "/review, of one site": lambda: f"/review?site={console.site}",
        "/review/list, of one site": lambda: f"/review/list?site={console.site}",
    }
    return made | lists


def _pages(console: Console) -> Iterator[Row]:
    yield from _timed(console, _addresses(console))


def _timed(console: Console, addresses: Mapping[str, Callable[[], str]], among: str = "") -> Iterator[Row]:
    client = console.client()
    heaviest, weight = "", 0.0
    for name, address in sorted(addresses.items()):
        took, worked = [], []
        for number in range(WARM + ROUNDS):
            asked = address()
            started, began = time.perf_counter(), time.thread_time()
            answer = client.get(asked)
            if number >= WARM:
                took.append(1000 * (time.perf_counter() - started))
                worked.append(1000 * (time.thread_time() - began))
            if answer.status_code >= 400 and not asked.endswith("/preview"):  # few have one
                raise Meaningless(f"{asked} answered {answer.status_code}")
        if answer.mimetype == "text/html" and answer.status_code == 200:
            whole = _weight(client, answer)
            heaviest, weight = (name, whole) if whole > weight else (heaviest, weight)
        more = f" (p50 {statistics.median(took):.0f}; of the processor {statistics.median(worked):.0f})"
        yield _shown(f"Page {name}{among}, p95", _p95(took), PAGE_MS, "ms", more)
    yield _shown(f"Heaviest page without pictures{among}, {heaviest}", weight, WEIGHT_KB, "kB")


def _many_sites(console: Console) -> Iterator[Row]:
    """Measure the pages that once listed all sites, with thousands of sites added; these are gone again afterwards."""
    core, dice = console.core, console.dice
    with core.db.write() as connection:
        first = dict(connection.execute(select(tables.sites).where(tables.sites.c.id == console.site)).one()._mapping)
        policies = connection.execute(select(tables.policies).where(tables.policies.c.site_id == console.site))
        policy = dict(policies.mappings().all()[0])
        ids = [f"many_{number:06d}" for number in range(MANY_SITES)]
        named = [{**first, "id": id, "key": "", "name": f"Client {id[5:]}", "problem": ""} for id in ids]
        for row in named[:: MANY_SITES // IN_TROUBLE]:
            row["problem"] = "The site does not answer."
        connection.execute(insert(tables.sites), named)
        connection.execute(insert(tables.policies), [{**policy, "site_id": id} for id in ids])
        today = core.now() // DAY
        counted = {"name": Tally.JUDGED, "category": "allow", "count": 3}
        connection.execute(insert(tables.tallies), [{**counted, "site_id": id, "day": today - n} for id in ids for n in range(3)])
    some = lambda: f"many_{dice.randrange(MANY_SITES):06d}"  # noqa: E731
    yield from _timed(
        console,
        {
            "/sites": lambda: "/sites",
            "/sites, far back": lambda: f"/sites?page={dice.randrange(1, MANY_SITES // sites.PAGE)}",
            "/sites, searched": lambda: f"/sites?q=client+{dice.randrange(1000):04d}",
            "/sites/<site_id>": lambda: f"/sites/{some()}",
            "/review": lambda: "/review",
            "/review, of one site by its name": lambda: f"/review?site=Client+{some()[5:]}",
            "/review/list": lambda: "/review/list",
            "/decisions": lambda: "/decisions",
            "/decisions, searched": lambda: f"/decisions?q=IMG_{dice.randrange(9973):04d}",
            "/history": lambda: "/history",
            "/insights": lambda: "/insights",
            "/people": lambda: "/people",
            "/people/<int:person_id>": lambda: "/people/1",
            "/people/invite": lambda: "/people/invite",
            "/programs": lambda: "/programs",
        },
        f" with {MANY_SITES:,} sites",
    )
    with core.db.write() as connection:
        for table in (tables.tallies, tables.policies):
            connection.execute(delete(table).where(table.c.site_id.like("many_%")))
        connection.execute(delete(tables.sites).where(tables.sites.c.id.like("many_%")))


def _weight(client: Any, answer: Any) -> float:
    """Give the kB of a page with its styles and scripts, uncompressed; scripts that these import are not seen."""
    parts = set(re.findall(r'(?:href|src)="(/static/[^"]+\.(?:css|js))"', answer.text))
    return (len(answer.data) + sum(len(client.get(part).data) for part in parts)) / 1000


def _p95(took: list[float]) -> float:
    return statistics.quantiles(took, n=20)[-1]


def _next(console: Console) -> Row:
    core = console.core
    scope = Visibility(tuple(row.id for row in sites.listing(core)), restricted=True)
    took = []
    for number in range(WARM + ROUNDS):
        started = time.perf_counter()
        item = queue.take_next(core, scope, 1 + number, f"reviewer {number}")
        if number >= WARM:
            took.append(1000 * (time.perf_counter() - started))
        if item is None:
            raise Meaningless("nothing waits")
    for number in range(WARM + ROUNDS):
        queue.release(core, 1 + number)
    text = f" (p50 {statistics.median(took):.1f})"
    return _shown(f"The queue's next item of {len(console.decisions['waiting'])}, leased, p95", _p95(took), NEXT_MS, "ms", text)


def _replay(console: Console) -> Row:
    policy = read_policy({"version": 99, "rules": _DRAFT})
    took, looked = [], 0
    for _ in range(3):
        started = time.perf_counter()
        looked = backtest.try_policy(console.core, console.site, policy, limit=REPLAYED).looked_at
        took.append(time.perf_counter() - started)
    what = f"A draft of a policy tried on {looked:,} decisions"
    return _shown(what, statistics.median(took), REPLAY_SECONDS, "s")


def _paints(path: Path, console: Console) -> Iterator[Row]:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise Missing("Chromium is not installed; sh tests/support/install.sh installs it on Debian and Ubuntu")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise Missing("Playwright's Python package is not installed: make install WITH=test") from None

    port = free_port()
    own = {
        "PICWARD_DATA_DIR": str(path.parent),
        "PICWARD_DATABASE_URL": f"sqlite:///{path}",
        "PICWARD_SECRET_KEY": seed.SECRET_KEY,
        "PICWARD_PORT": str(port),
        "PICWARD_LOG_LEVEL": "WARNING",
    }
    url = f"http://127.0.0.1:{port}"
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with running([PICWARD, "web"], {**os.environ, **own}, f"{url}/ready"), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        for name in ("/sites", f"/sites/{console.site}", "/review", "/decisions", "/insights"):
            seen = [_paint(browser, url, name, console.session) for _ in range(6)][1:]
            shown = name.replace(console.site, "<site_id>")
            yield _shown(f"Largest contentful paint of {shown}, Chromium", statistics.median(seen), LCP_SECONDS, "s")
        browser.close()


_LCP = """() => new Promise((give) => {
  let last = 0;
  new PerformanceObserver((seen) => { last = seen.getEntries().at(-1).startTime; })
    .observe({ type: "largest-contentful-paint", buffered: true });
  setTimeout(() => give(last / 1000), 500);
})"""


def _paint(browser: Any, url: str, path: str, session: str) -> float:
    """Give the seconds from the click to the largest paint, in a browser that knows nothing yet."""
    context = browser.new_context()
    context.add_cookies([{"name": "picward", "value": session, "url": url}])
    page = context.new_page()
    page.goto(url + path, wait_until="load")
    seconds = float(page.evaluate(_LCP))
    context.close()
    if not seconds:
        raise Meaningless(f"{path} painted nothing")
    return seconds


def _shown(what: str, value: float, limit: float, unit: str, more: str = "") -> Row:
    shown = f"{value:.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"
    return limited(what, f"{shown} {unit}{more}", value, limit, unit)
