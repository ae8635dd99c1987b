"""Make a database as busy installations have it: a million decisions, ten thousand waiting. `python -m bench.seed PATH`.

The rows go through the real tables, as Alembic makes them, and what policies said is what `decide` says of the signals
that are stored. The same arguments give the same rows. The owner signs in with the constants below; to serve it, set
PICWARD_DATABASE_URL to the file and PICWARD_SECRET_KEY to SECRET_KEY.
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import io
import itertools
import json
import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
from argon2 import PasswordHasher
from PIL import Image, ImageDraw, ImageFilter
from sqlalchemy import Table

from app.adapters.vault import KeyVault
from app.db import decisions as decision_rows
from app.db import migrate, tables
from app.db.engine import Database
from app.domain.decisions import Action, Outcome, Reason, Verdict, severity
from app.domain.jobs import Priority, WorkState
from app.domain.policy import Policy, decide, read_policy
from app.domain.signals import Signal
from app.domain.time import DAY, SECOND
from app.services.rules import policies
from integrations.registry import platforms
from models.registry import cards

SECRET_KEY = "5eed" * 16
"""The vault key of every seeded database; it keeps nobody's secrets."""

EMAIL, PASSWORD, OWNER = "ada@example.org", "correct horse battery", "Ada"

DECISIONS = 1_000_000
WAITING_SHARE = 100
"""One decision in so many waits for a person: 10,000 of a million."""

DAYS = 400
"""The time that the decisions are spread over, busier towards its end."""

_FILLED_AT = "0002"
"""The revision whose tables are filled. The later migrations then fill theirs, as they do on an installation that is updated."""

PREVIEWS = 4000
DUE_JOBS = 500
DELIVERY_DAYS = 30
_BATCH = 20_000
_VARIANTS = 3000
_REVIEWERS = (OWNER, "Ben", "Chidi", "Dana")

_SITES = (("Marketplace", 0.45), ("Classifieds", 0.25), ("Forum", 0.15), ("Travel blog", 0.09), ("School", 0.05), ("Test", 0.01))
"""Names and shares of the pictures: one site far busier than the others, as is usual."""

_ACTING = [
    {"category": "sexual.explicit_nudity", "review": 0.35, "block": 0.60, "mode": "enforce"},
    {"category": "sexual.explicit_activity", "review": 0.35, "block": 0.55, "mode": "enforce"},
    {
        "category": "sexual.suggestive",
        "review": 0.80,
        "mode": "review",
        "exempt": [{"key": "product_type", "values": ["Swimwear", "Underwear"]}],
    },
    {"category": "unsafe.file", "review": 0.5, "mode": "review"},
    {"category": "owner.blocked_hash", "review": 0.5, "block": 0.9, "mode": "enforce"},
    {"category": "csae.known_hash", "review": 0.5, "block": 0.9, "mode": "enforce"},
]

_SEEN = (
    # category, share of pictures, and the range that its scores come from
    ("privacy.face", 0.22, 0.30, 0.90),
    ("sexual.suggestive.bare_skin", 0.08, 0.50, 0.85),
    ("sexual.suggestive.partial", 0.04, 0.50, 0.86),
    ("sexual.suggestive.male_chest", 0.02, 0.50, 0.80),
    ("sexual.explicit_nudity.female_nipple", 0.035, 0.25, 0.80),
    ("sexual.explicit_nudity.buttocks_anus", 0.02, 0.25, 0.75),
    ("sexual.explicit_nudity.genitalia", 0.015, 0.25, 0.85),
    ("csae.known_hash", 0.0004, 0.70, 0.89),
)
_PRODUCTS = ("Dresses", "Swimwear", "Shoes", "Furniture", "Books", "Phones", "Garden", "Underwear")
_ROLES = ("author", "editor", "subscriber", "vendor")


@dataclass
class Rows:
    """Collect rows per table and insert them by the batch, in the table's own columns."""

    db: sqlite3.Connection
    waiting: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    count: dict[str, int] = field(default_factory=dict)

    def open(self, table: Table, *names: str) -> None:
        """Say which columns `add` gives; every other one must do without or have a default."""
        wanted = {c.name for c in table.columns if not c.nullable and c.server_default is None and not c.primary_key}
        if missing := wanted - set(names) - {"id"}:
            raise SystemExit(f"{table.name} has columns that the seed does not fill: {', '.join(sorted(missing))}")
        if unknown := set(names) - set(table.columns.keys()):
            raise SystemExit(f"{table.name} has no columns {', '.join(sorted(unknown))}")
        marks = ", ".join("?" * len(names))
        self.texts[table.name] = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
        self.waiting[table.name], self.count[table.name] = [], 0

    def add(self, table: Table, *values: Any) -> None:
        rows = self.waiting[table.name]
        rows.append(values)
        if len(rows) >= _BATCH:
            self._insert(table.name)

    def end(self) -> None:
        for name in self.waiting:
            self._insert(name)

    def _insert(self, name: str) -> None:
        self.db.executemany(self.texts[name], self.waiting[name])
        self.count[name] += len(self.waiting[name])
        self.waiting[name].clear()


@dataclass(frozen=True, slots=True)
class Variant:
    """Hold one way that a picture can be judged: what was seen, and what a policy made of it, as it is stored."""

    signals: str
    reasons: str
    verdict: str
    severity: int
    enforce: bool


def variants(policy: Policy, detector: str, version: str, dice: random.Random) -> list[Variant]:
    """Judge random signals by the real policy."""
    made = []
    for _ in range(_VARIANTS):
        seen = [
            Signal(detector, version, category, round(low + (high - low) * dice.random() ** 2, 4))
            for category, share, low, high in _SEEN
            if dice.random() < share
        ]
        outcome = decide(policy, seen, {})
        packed = [{"category": s.category, "score": s.score, "region": None, "note": ""} for s in seen]
        made.append(_variant(outcome, json.dumps(packed)))
    return made


def _variant(outcome: Outcome, signals: str = "[]") -> Variant:
    reasons = json.dumps([decision_rows._packed(reason) for reason in outcome.reasons])
    return Variant(signals, reasons, outcome.verdict.value, int(severity(outcome.reasons)), outcome.enforce)


def _by_person(verdict: Verdict, person: str) -> Variant:
    said = "Approved" if verdict is Verdict.ALLOW else "Rejected"
    return _variant(Outcome(verdict, (Reason(verdict, "", f"{said} by {person}"),), verdict is Verdict.BLOCK))


@dataclass(order=True, slots=True)
class Later:
    """Hold a decision that is to supersede another one at a time to come."""

    at: int
    earlier: int
    job: int = field(compare=False)
    site: str = field(compare=False)
    media: str = field(compare=False)
    sha256: str = field(compare=False)
    verdict: Verdict = field(compare=False)
    was: str = field(compare=False)


def seed(path: Path, wanted: int, now: int) -> dict[str, int]:
    """Fill a fresh database at `path`; return how many rows each table got."""
    for old in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", ".writer"))):
        old.unlink(missing_ok=True)
    _migrate(path, _FILLED_AT)
    vault = KeyVault(bytes.fromhex(SECRET_KEY))
    with sqlite3.connect(path, isolation_level=None) as db:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000", "foreign_keys=OFF", "temp_store=MEMORY"):
            db.execute(f"PRAGMA {pragma}")
        rows = Rows(db)
        db.execute("BEGIN")
        _open(rows)
        _fill(rows, vault, wanted, now)
        rows.end()
        db.execute("COMMIT")
        if broken := db.execute("PRAGMA foreign_key_check").fetchone():
            raise SystemExit(f"a row points nowhere: {broken}")
    _migrate(path, "head")
    with sqlite3.connect(path, isolation_level=None) as db:
        db.execute("ANALYZE")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return rows.count


def _migrate(path: Path, revision: str) -> None:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    db = Database(f"sqlite:///{path}")
    with db.write() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, revision)
    db.close()


def _open(rows: Rows) -> None:
    t = tables
    rows.open(t.people, "email", "name", "password", "role", "created_at")
    rows.open(
        t.sites, "id", "platform", "name", "state", "secrets", "connection", "settings", "created_at", "paired_at",
        "scanned_at", "replayed_version", "found", "checked_at",
    )  # fmt: skip
    rows.open(t.policies, "site_id", "version", "rules", "created_at", "created_by")
    rows.open(t.deliveries, "id", "site_id", "delivery_id", "received_at", "path", "headers", "body", "problem")
    rows.open(
        t.jobs, "id", "site_id", "media_id", "version", "round", "source", "parent", "context", "priority", "state", "run_at",
        "lease_until", "token", "attempts", "deaths", "problem", "created_at", "ended_at",
    )  # fmt: skip
    rows.open(
        t.decisions, "id", "site_id", "job_id", "sha256", "verdict", "severity", "reasons", "enforce", "person",
        "policy_version", "supersedes", "decided_at",
    )  # fmt: skip
    rows.open(
        t.enforcements, "id", "site_id", "decision_id", "media_id", "version", "parent", "action", "state", "run_at",
        "lease_until", "token", "attempts", "deaths", "undo", "problem", "created_at", "ended_at",
    )  # fmt: skip
    rows.open(t.signals, "sha256", "detector", "version", "seen")
    rows.open(t.pictures, "sha256", "pdq", "width", "height")
    rows.open(t.previews, "site_id", "sha256", "clear", "blurred", "created_at")
    rows.open(t.audit, "at", "site_id", "actor", "action", "media_id", "text")
    rows.open(t.scans, "site_id", "cursor", "total", "seen", "queued", "state", "problem", "started_at", "updated_at")
    rows.open(t.hash_entries, "site_id", "list", "kind", "value", "category", "note", "created_at", "created_by")


def _fill(rows: Rows, vault: KeyVault, wanted: int, now: int) -> None:
    dice = random.Random(wanted)
    begin = now - DAYS * DAY
    rows.add(tables.people, EMAIL, OWNER, PasswordHasher().hash(PASSWORD), "owner", begin)
    card = cards()["nudenet"]
    acting = [read_policy({"version": n, "rules": _ACTING}) for n in (1, 2, 3)]
    judged = variants(acting[-1], card.id, card.version, dice)
    names = _add_sites(rows, vault, acting, begin, now)
    picks = dice.choices(range(len(judged)), k=wanted)
    reviews = [number for number in range(wanted) if judged[picks[number]].verdict == "review"]
    waits = _that_wait(reviews, wanted // WAITING_SHARE, dice)
    shown = _previews(vault, dice)
    writer = _Story(rows, dice, now, card.id, card.version, shown, preview_from=wanted - wanted // 8)
    whose = iter(dice.choices(names, [share for _, share in _SITES], k=wanted))
    for number, at in enumerate(_times(begin, now - DAY // 24, wanted, dice)):
        writer.judge(number, next(whose), at, judged[picks[number]], waits=number in waits)
    writer.finish()
    _add_due(rows, names, wanted, now)
    for number in range(5000):
        value = hashlib.sha256(b"listed %d" % number).hexdigest()
        kind = ("block", "owner.blocked_hash") if number % 5 else ("allow", "owner.allowed_hash")
        rows.add(tables.hash_entries, names[number % 3] if number % 2 else "", kind[0], "sha256", value, kind[1], "", now, OWNER)


def _add_sites(rows: Rows, vault: KeyVault, versions: Sequence[Policy], begin: int, now: int) -> list[str]:
    kinds = itertools.cycle(sorted(platforms(), reverse=True))  # so that the busiest site keeps the platform it always had
    names = []
    for number, (name, _) in enumerate(_SITES):
        id = f"st_{number:016x}"
        secrets = vault.lock(json.dumps([f"whsec_{number}"]).encode())
        state = "paused" if name == "Test" else "active"
        # Not scanned again for as long as anyone measures: there is nothing at the other end.
        rows.add(
            tables.sites, id, next(kinds), name, state, secrets, "{}", "{}", begin, begin, now + 365 * DAY, len(versions), "", now
        )
        for policy in versions:
            at = begin + (policy.version - 1) * DAYS * DAY // 3
            rows.add(tables.policies, id, policy.version, json.dumps(policies.stored(policy)), at, OWNER)
            text = f"Policy v{policy.version}: {policies.summarise(policy)}"
            rows.add(tables.audit, at, id, OWNER, "policy.saved", "", text)
        rows.add(tables.audit, begin, id, OWNER, "site.added", "", f"Site “{name}” added")
        rows.add(tables.scans, id, "", 1000, 1000, 900, "done", "", begin, begin + 3600 * SECOND)
        names.append(id)
    return names


def _times(begin: int, end: int, count: int, dice: random.Random) -> Iterator[int]:
    """Give ascending times, twice as dense at the end as at the beginning."""
    for number in range(count):
        share = number / count
        yield begin + int((end - begin) * (share * 1.5 - share * share * 0.5)) + dice.randrange(1000)


def _that_wait(reviews: Sequence[int], count: int, dice: random.Random) -> set[int]:
    """Choose which reviews nobody has answered: most of the latest, and some old ones that were passed over."""
    latest = reviews[-(count * 8 // 10) :] if count else []
    earlier = reviews[: len(reviews) - len(latest)]
    return {*latest, *dice.sample(earlier, min(len(earlier), count - len(latest)))}


def _previews(vault: KeyVault, dice: random.Random) -> list[tuple[bytes, bytes]]:
    """Draw a few pictures as previews are kept: WebP, clear and blurred, encrypted."""
    made = []
    for _ in range(24):
        picture = Image.new("RGB", (512, 384), tuple(dice.randrange(40, 220) for _ in range(3)))
        pen = ImageDraw.Draw(picture)
        for _ in range(40):
            x, y, size = dice.randrange(512), dice.randrange(384), dice.randrange(10, 120)
            pen.ellipse((x, y, x + size, y + size), fill=tuple(dice.randrange(256) for _ in range(3)))
        both = []
        for shown in (picture, picture.filter(ImageFilter.GaussianBlur(24))):
            data = io.BytesIO()
            shown.save(data, "WEBP", quality=70)
            both.append(vault.lock(data.getvalue()))
        made.append((both[0], both[1]))
    return made


def _add_due(rows: Rows, names: Sequence[str], wanted: int, now: int) -> None:
    for number in range(min(DUE_JOBS, wanted)):
        id, media, site = wanted + number + 1, f"waiting-{number}", names[number % 3]
        rows.add(
            tables.jobs, id, site, media, "0" * 64, 0, "", "", "{}", int(Priority.BACKFILL), WorkState.DUE.value,
            now + 365 * DAY, 0, 0, 0, 0, "", now - SECOND, None,
        )  # fmt: skip


class _Story:
    """Write what happens to each picture in the order of time: uploaded, judged, acted upon, decided by people."""

    def __init__(
        self,
        rows: Rows,
        dice: random.Random,
        now: int,
        detector: str,
        version: str,
        shown: Sequence[tuple[bytes, bytes]],
        preview_from: int,
    ) -> None:
        self._rows, self._dice, self._now = rows, dice, now
        self._detector, self._version, self._shown, self._preview_from = detector, version, shown, preview_from
        self._later: list[Later] = []
        self._decisions = self._enforcements = self._previews = 0
        self._people = {(v, p): _by_person(v, p) for v in (Verdict.ALLOW, Verdict.BLOCK) for p in _REVIEWERS}

    def judge(self, number: int, site: str, at: int, found: Variant, *, waits: bool) -> None:
        self._until(at)
        dice, rows, job = self._dice, self._rows, number + 1
        sha256 = hashlib.sha256(b"picture %d" % number).hexdigest()
        media, roll = str(number), dice.random()
        parent = f"post:{number // 4}" if roll < 0.7 else ""
        title = f"IMG_{number % 9973:04d}"
        context = (
            f'{{"title": ["{title}"], "file": ["{title}.jpg"], "role": ["{_ROLES[number % 4]}"], '
            f'"product_type": ["{_PRODUCTS[number * 7 % 8]}"]}}'
        )
        rows.add(
            tables.jobs, job, site, media, sha256, 0, f"https://pictures.example.org/{number}.jpg", parent, context,
            1, "done", at - 2 * SECOND, at, 1, 1, 0, "", at - 2 * SECOND, at,
        )  # fmt: skip
        recent = at > self._now - DELIVERY_DAYS * DAY
        body = b'{"v": 1, "type": "media.uploaded", "media": {"id": "%d"}}' % number if recent else b""
        headers = '{"content-type": "application/json"}'
        rows.add(tables.deliveries, job, site, f"ev_{number}", at - 2 * SECOND, "/webhooks/site", headers, body, "")
        look = hashlib.sha256(b"look %d" % (number // 4)).hexdigest()  # four pictures in a row look the same
        rows.add(tables.pictures, sha256, look, 640 + number % 1000, 480 + number % 700)
        rows.add(tables.signals, sha256, self._detector, self._version, found.signals)
        version = 3 if number % 50 else 2
        decision = self._decide(site, job, sha256, found, "", version, None, at)
        if found.verdict == "allow":
            return
        if number >= self._preview_from and self._previews < PREVIEWS and found.severity < 3:
            self._previews += 1
            rows.add(tables.previews, site, sha256, *self._shown[number % len(self._shown)], at)
        if found.verdict == "block":
            self._act(site, decision, media, sha256, parent, Action.HIDE, at)
        if (found.verdict == "review" and not waits) or (found.verdict == "block" and roll < 0.15):
            verdict = Verdict.BLOCK if found.verdict == "review" and roll < 0.3 else Verdict.ALLOW
            answered = at + int(dice.expovariate(1 / (6 * 3600))) * SECOND + SECOND
            if answered < self._now or found.verdict == "review":
                answered = min(answered, self._now - 1)
                heapq.heappush(self._later, Later(answered, decision, job, site, media, sha256, verdict, found.verdict))

    def finish(self) -> None:
        self._until(self._now)

    def _until(self, at: int) -> None:
        while self._later and self._later[0].at <= at:
            due = heapq.heappop(self._later)
            person = self._dice.choice(_REVIEWERS)
            found = self._people[due.verdict, person]
            decision = self._decide(due.site, due.job, due.sha256, found, person, None, due.earlier, due.at)
            if due.was == "review":
                text = "Looked at the clear picture"
                self._rows.add(tables.audit, due.at - SECOND, due.site, person, "preview.revealed", due.media, text)
            if due.was == "block" or due.verdict is Verdict.BLOCK:
                action = Action.HIDE if due.verdict is Verdict.BLOCK else Action.RESTORE
                self._act(due.site, decision, due.media, due.sha256, "", action, due.at)

    def _decide(
        self, site: str, job: int, sha256: str, found: Variant, person: str, version: int | None, earlier: int | None, at: int
    ) -> int:
        self._decisions += 1
        self._rows.add(
            tables.decisions, self._decisions, site, job, sha256, found.verdict, found.severity, found.reasons, found.enforce,
            person, version, earlier, at,
        )  # fmt: skip
        return self._decisions

    def _act(self, site: str, decision: int, media: str, sha256: str, parent: str, action: Action, at: int) -> None:
        self._enforcements += 1
        parked = self._enforcements % 2000 == 0
        state = WorkState.PARKED if parked else WorkState.DONE
        problem = "The site refused it: no space left" if parked else ""
        undo = '{"before": "publish"}' if action is Action.HIDE and not parked else None
        ended = at + 3 * SECOND
        self._rows.add(
            tables.enforcements, self._enforcements, site, decision, media, sha256, parent, action.value, state.value, at, ended,
            1, 1, 0, undo, problem, at, ended,
        )  # fmt: skip
        text = problem or ("Hidden" if action is Action.HIDE else "Restored as it was")
        self._rows.add(tables.audit, ended, site, "worker", f"enforcement.{action}.{state}", media, text)


def main() -> None:
    reader = argparse.ArgumentParser(prog="python -m bench.seed", description=__doc__.splitlines()[0])
    reader.add_argument("path", type=Path)
    reader.add_argument("--decisions", type=int, default=DECISIONS, help="how many pictures are judged; people decide on top")
    reader.add_argument("--now", type=int, default=0, help="UTC microseconds that the last decision comes before; this hour")
    asked = reader.parse_args()
    begun = time.perf_counter()
    now = asked.now or int(time.time()) // 3600 * 3600 * SECOND
    counts = seed(asked.path.absolute(), asked.decisions, now)
    print(f"{time.perf_counter() - begun:.0f} s, {asked.path.stat().st_size / 1e6:.0f} MB")
    for name, count in counts.items():
        print(f"{name:<14} {count:>10,}")


if __name__ == "__main__":
    main()
