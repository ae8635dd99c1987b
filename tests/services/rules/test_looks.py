"""A picture's other looks in the database: kept, read everywhere, and absent from what earlier versions wrote."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from app.db import hashes, jobs, migrate, pictures, replays
from app.domain.detector import Fingerprint, HashKind
from app.domain.platform import Site
from app.services.rules import lists
from tests.services.pipeline.test_moderate import settle, upload
from tests.support.core import Bench

DATA = b"seen in three ways"
SHA256 = hashlib.sha256(DATA).hexdigest()
SEEN = Fingerprint(SHA256, "a" * 64, 10, 20, ("b" * 64, "", "a" * 64, "c" * 64))


@pytest.fixture
def site(bench: Bench) -> Site:
    site = bench.site()
    upload(bench, site, "1", DATA)
    settle(bench)
    with bench.core.db.write() as connection:
        pictures.keep(connection, SEEN, {}, {}, 2)
    return site


def test_every_look_is_kept_and_read_everywhere(bench: Bench, site: Site) -> None:
    assert SEEN.looks == ("a" * 64, "b" * 64, "c" * 64)
    with bench.core.db.read() as connection:
        assert pictures.fingerprint(connection, SHA256) == SEEN
        (row,) = jobs.with_fingerprint(connection, site.id, 0, 10)
        assert (row.job_id, row.fingerprint) == (1, SEEN)
        (chunk,) = replays.in_force(connection, site.id, 10, looks=True)
        assert [(stored.pdq, stored.others) for stored in chunk] == [(SEEN.pdq, SEEN.others)]
        (chunk,) = replays.in_force(connection, site.id, 10)
        assert [(stored.pdq, stored.others) for stored in chunk] == [("", ())]


@pytest.mark.parametrize("others", [(), ("",), ("", "b" * 64), ("b" * 64,)])
def test_a_look_without_a_hash_is_kept(bench: Bench, site: Site, others: tuple[str, ...]) -> None:
    """An allow list must know every look, so that there is one more counts."""
    seen = replace(SEEN, others=others)
    with bench.core.db.write() as connection:
        pictures.keep(connection, seen, {}, {}, 2)
    with bench.core.db.read() as connection:
        assert pictures.fingerprint(connection, SHA256) == seen
        ((stored,),) = replays.in_force(connection, site.id, 10, looks=True)
        assert stored.others == others


def test_never_again_lists_every_look_and_approval_takes_every_one_off(bench: Bench, site: Site) -> None:
    with bench.core.db.write() as connection:
        lists.never_again(connection, site.id, SHA256, "Ann", bench.clock())
        listed = {(entry.kind, entry.value) for entry in hashes.for_site(connection, site.id)}
        assert listed == {(HashKind.SHA256, SHA256), *((HashKind.PDQ, look) for look in SEEN.looks)}
        lists.welcome_back(connection, site.id, SHA256)
        assert hashes.for_site(connection, site.id) == []


def test_what_an_earlier_version_wrote_is_known_by_the_look_it_has(bench: Bench, site: Site) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with bench.core.db.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0007")
        (row,) = connection.execute(text("SELECT * FROM pictures")).mappings()
        assert "others" not in row
    assert migrate.upgrade(bench.core.db) == migrate.NEWEST
    with bench.core.db.read() as connection:
        assert pictures.fingerprint(connection, SHA256) == Fingerprint(SHA256, "a" * 64, 10, 20)
