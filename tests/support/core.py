"""A core on the real database in a temporary file, with a platform made of paper and a judge that does as it is told."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import io
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from pydantic import Field
from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.exc import OperationalError

from app.adapters.vault import KeyVault
from app.db import migrate
from app.db.engine import Database
from app.domain.decisions import Action, Enforcement, Receipt
from app.domain.detector import Fingerprint, HashEntry, HashIndex, HashKind, Judgement, ListKind
from app.domain.errors import DeliveryRefused, DeliveryUnreadable, MediaGone, ModelUnavailable
from app.domain.events import Delivery, MediaUploaded, Parsed
from app.domain.media import MediaRef, Page
from app.domain.platform import Admission, FindSite, Platform, Site
from app.domain.settings import ByPlatform, NetworkedSettings, SiteSettings
from app.domain.signals import Signal
from app.factory import crop_preview
from app.services.core import Core, Limits
from app.services.sites import connecting, sites
from app.services.sites.credentials import Keeper
from tests.support.surroundings import surroundings

START = 1_700_000_000_000_000


class Clock:
    """Be a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> int:
        return self.at

    def pass_seconds(self, seconds: float) -> None:
        self.at += int(seconds * 1_000_000)


class PaperSettings(NetworkedSettings):
    """Add what the site's own side may change."""

    ink: ByPlatform[str] = Field(default="black", max_length=40, title="Ink", description="What is written with.")


class PaperPlatform(Platform):
    """Keep images in a dict. `trouble` maps a method's name to the exception that it raises."""

    slug: ClassVar[str] = "paper"
    name: ClassVar[str] = "Paper"
    actions: ClassVar[frozenset[Action]] = frozenset(Action)
    hiding: ClassVar[str] = "A hidden picture lies face down."
    uses_door: ClassVar[bool] = True
    Settings: ClassVar[type[SiteSettings]] = PaperSettings

    def __init__(self) -> None:
        super().__init__(None, surroundings())
        self.images: dict[str, bytes] = {}
        self.parents: dict[str, str] = {}
        self.applied: list[Enforcement] = []
        self.hidden: set[str] = set()
        self.trouble: dict[str, Exception] = {}
        self.drift: dict[str, str] = {}
        self.created: dict[str, int] = {}

    def _trip(self, method: str) -> None:
        if method in self.trouble:
            raise self.trouble[method]

    def ref(self, media_id: str, **context: tuple[str, ...]) -> MediaRef:
        version = hashlib.sha256(self.images[media_id]).hexdigest()
        return MediaRef(
            media_id, version, parent=self.parents.get(media_id, ""), context=context, created_at=self.created.get(media_id, 0)
        )

    def authenticate(self, delivery: Delivery, find: FindSite) -> Site:
        site = find(delivery.headers.get("picward-site", ""))
        if site is None or delivery.headers.get("secret") not in site.secrets:
            raise DeliveryRefused("no")
        return site

    def parse(self, delivery: Delivery, site: Site) -> Parsed:
        try:
            body = json.loads(delivery.body)
        except ValueError:
            raise DeliveryUnreadable("not JSON") from None
        media = (MediaRef(i, v, parent=self.parents.get(i, "")) for i, v in body["media"])
        return Parsed(body["id"], tuple(MediaUploaded(ref) for ref in media))

    def admit(self, visit: Delivery, find: FindSite) -> Admission:
        site = self.authenticate(visit, find)
        return Admission(site, "Paper site", {"seen": True})

    def scan(self, site: Site, cursor: str = "") -> Page:
        self._trip("scan")
        names = sorted(name for name in self.images if name > cursor)
        page = names[:2]
        return Page(tuple(self.ref(name) for name in page), page[-1] if len(names) > 2 else "", len(self.images))

    def fetch(self, site: Site, media: MediaRef) -> BinaryIO:
        self._trip("fetch")
        data = self.images.get(media.id)
        if data is None or hashlib.sha256(data).hexdigest() != media.version:
            raise MediaGone("gone or changed")
        return io.BytesIO(data)

    def apply(self, site: Site, enforcement: Enforcement) -> Receipt:
        self._trip("apply")
        self.applied.append(enforcement)
        if enforcement.media.id in self.drift:
            return Receipt(drifted=self.drift[enforcement.media.id])
        if enforcement.action is Action.HIDE:
            self.hidden.add(enforcement.media.id)
            return Receipt(dict(enforcement.held or {"before": f"as {enforcement.media.id} was"}))
        self.hidden.discard(enforcement.media.id)
        return Receipt()

    def check(self, site: Site) -> str:
        self._trip("check")
        return "Paper is patient"


@dataclass
class ToldJudge:
    """See what `sees` says for the sha256 of the bytes; fail for what `fails` names. `shown` is what lists knew, by preview."""

    sees: dict[str, tuple[Signal, ...]] = field(default_factory=dict)
    fails: dict[str, str] = field(default_factory=dict)
    looked: list[str] = field(default_factory=list)
    shown: list[list[str]] = field(default_factory=list)
    detectors: Mapping[str, str] = field(default_factory=lambda: {"told": "1"})
    decoding: int = 1
    categories: frozenset[str] = frozenset({"sexual.explicit_nudity.genitalia", "sexual.suggestive.partial", "privacy.face"})

    def tell(self, data: bytes, category: str, score: float) -> None:
        self.sees[hashlib.sha256(data).hexdigest()] = (Signal("told", "1", category, score),)

    def judge(self, data: bytes, wanted: Collection[str]) -> Judgement:
        sha256 = hashlib.sha256(data).hexdigest()
        if wanted:
            self.looked.append(sha256)
        failures = (self.fails[sha256],) if sha256 in self.fails else ()
        seen = {"told": self.sees.get(sha256, ())} if "told" in wanted else {}

        def shown(listed: Sequence[Signal]) -> tuple[bytes, bytes]:
            self.shown.append([signal.category for signal in listed])
            return b"clear", b"blurred"

        return Judgement(Fingerprint(sha256, "", 10, 10), seen, failures, shown)

    def match(self, fingerprint: Fingerprint, entries: Any) -> tuple[Signal, ...]:
        return tuple(
            Signal("hashes", "1", "owner.allowed_hash" if entry.list is ListKind.ALLOW else entry.category, 1.0, note=entry.note)
            for entry in entries
            if entry.kind is HashKind.SHA256 and entry.value == fingerprint.sha256
        )

    def match_all(self, fingerprints: Sequence[Fingerprint], entries: Any) -> dict[int, tuple[Signal, ...]]:
        found = {n: self.match(fingerprint, entries) for n, fingerprint in enumerate(fingerprints)}
        return {n: signals for n, signals in found.items() if signals}

    def check(self, detector: str) -> None:
        if detector in self.fails:
            raise ModelUnavailable(self.fails[detector])

    def index(self, entries: Sequence[HashEntry]) -> HashIndex:
        return list(entries)


@dataclass
class Bench:
    """Hold a core and everything it was made of."""

    core: Core
    platform: PaperPlatform
    judge: ToldJudge
    clock: Clock
    woken: list[int]

    def site(self, **settings: Any) -> Site:
        """Connect a site of paper that is active."""
        site = connecting.add(self.core, "paper", "Shop", "owner")
        connecting.admit(self.core, "paper", self.signed(site, b""))
        return sites.save_settings(self.core, site.id, settings, "owner").site

    def signed(self, site: Site, body: bytes) -> Delivery:
        return Delivery("POST", "/x", {"picward-site": site.id, "secret": site.secrets[0]}, body, self.clock())

    def uploaded(self, site: Site, delivery_id: str, *media_ids: str) -> Delivery:
        pairs = [(self.platform.ref(name).id, self.platform.ref(name).version) for name in media_ids]
        return self.signed(site, json.dumps({"id": delivery_id, "media": pairs}).encode())


def _sqlite(folder: Path) -> Database:
    shutil.copy(_migrated(), folder / "test.db")
    return Database(f"sqlite:///{folder / 'test.db'}")


class _Passing(Database):
    """A database of a PostgreSQL server that is dropped when it is closed."""

    def __init__(self, server: URL, name: str, like: str = "template1") -> None:
        self._server, self._name = server, name
        _administer(server, f"CREATE DATABASE {name} TEMPLATE {like}")
        super().__init__(server.set(database=name).render_as_string(hide_password=False))

    def close(self) -> None:
        super().close()
        with contextlib.suppress(OperationalError):  # a server of its own may be gone before
            _administer(self._server, f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")


def _administer(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def _postgresql(url: str) -> Database:
    """Make a database of its own on the PostgreSQL server that PICWARD_TEST_DATABASE_URL names."""
    return _Passing(make_url(url), f"test_{uuid.uuid4().hex}", _migrated_template(url))


@cache
def _migrated_template(url: str) -> str:
    """Migrate one database that each test copies."""
    name = f"migrated_{uuid.uuid4().hex}"
    db = _Passing(make_url(url), name)
    migrate.upgrade(db)
    db.engine.dispose()
    atexit.register(db.close)
    return name


@cache
def _migrated() -> Path:
    """Migrate one database and copy it for each test: the tables are the real ones, made once."""
    path = Path(tempfile.mkdtemp(prefix="picward-test-")) / "migrated.db"
    db = Database(f"sqlite:///{path}")
    migrate.upgrade(db)
    with db.read() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    return path


def make_bench(folder: Path) -> Bench:
    """Make a fresh migrated database, a SQLite file in `folder` unless another is named, and a core on it."""
    db = _postgresql(elsewhere) if (elsewhere := os.environ.get("PICWARD_TEST_DATABASE_URL")) else _sqlite(folder)
    platform, judge, clock = PaperPlatform(), ToldJudge(), Clock()
    woken: list[int] = []
    vault = KeyVault(b"k" * 32)
    core = Core(
        db=db,
        vault=vault,
        credentials=Keeper(db, vault, clock),
        platforms={"paper": platform},
        judge=lambda: judge,
        now=clock,
        wake=lambda: woken.append(1),
        limits=Limits(lease_seconds=60, max_image_bytes=1000, delivery_days=30, enforce_hours=48, fetch_hours=24, idle_hours=12),
        public_url="http://picward.test",
        crop_preview=crop_preview,
    )
    return Bench(core, platform, judge, clock, woken)
