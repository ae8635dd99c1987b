"""The other engine: PostgreSQL takes every migration, and an update makes of the same rows what SQLite makes of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, func, select

from app.db import migrate
from app.db.engine import Database
from app.db.tables import metadata, sign_in_tries
from app.dispatch import clock
from app.domain.decisions import Verdict
from app.factory import utc_now
from app.services.pipeline import enforce
from app.services.review import verdicts
from tests.support import postgresql
from tests.support.core import Bench, make_bench
from tests.web.visitor import acting_site, decided

CASES = sorted(Path(__file__).parent.glob("from_*"))
pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    if postgresql.binaries() is None:
        pytest.skip("PostgreSQL is not installed; make test installs it as root on Debian or Ubuntu")
    with postgresql.server() as started:
        yield started


@pytest.fixture(scope="module")
def empty(url: str) -> Iterator[Database]:
    db = Database(url)
    yield db
    db.close()


@pytest.fixture
def fresh(empty: Database) -> Database:
    with empty.write() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    return empty


def rows(db: Database) -> dict[str, list[dict[str, Any]]]:
    """Read every table as the database itself describes it."""
    with db.read() as connection:
        found = MetaData()
        found.reflect(connection)
        return {
            table.name: sorted((dict(row._mapping) for row in connection.execute(table.select())), key=repr)
            for table in found.sorted_tables
        }


def copy(source: Database, target: Database) -> int:
    """Copy all rows into tables that are there; say how many there were."""
    copied = 0
    kept = rows(source)
    with target.write() as connection:
        # As a restore does it: references are whole once everything is there.
        connection.exec_driver_sql("SET session_replication_role = replica")
        found = MetaData()
        found.reflect(connection)
        assert set(kept) == set(found.tables)
        for name, there in kept.items():
            if there and name != "alembic_version":
                connection.execute(found.tables[name].insert(), there)
                copied += len(there)
        connection.exec_driver_sql("SET session_replication_role = origin")
    return copied


def differences(some: list[dict[str, Any]], others: list[dict[str, Any]]) -> list[Any]:
    """Name what differs, so that a failure can be read."""
    if len(some) != len(others):
        return [len(some), len(others)]
    return [
        (name, one[name], other[name])
        for one, other in zip(some, others, strict=True)
        for name in one
        if one[name] != other[name]
    ]


def upgrade_to(db: Database, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with db.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def test_the_migrations_make_the_tables_that_the_code_uses(fresh: Database) -> None:
    assert migrate.upgrade(fresh) == migrate.NEWEST
    with fresh.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_update_makes_the_same_of_the_same_rows(case: Path, fresh: Database, tmp_path: Path) -> None:
    shutil.copy(case / "data" / "picward.db", tmp_path)
    kept = Database(f"sqlite:///{tmp_path / 'picward.db'}")
    before = migrate.current(kept)
    assert before < migrate.NEWEST
    upgrade_to(fresh, before)
    assert copy(kept, fresh) > 100
    assert rows(fresh) == rows(kept), "the control: both begin with the same"
    begun = utc_now()
    migrate.upgrade(kept)
    migrate.upgrade(fresh)
    ours, theirs = rows(kept), rows(fresh)
    for row in (*ours["sites"], *theirs["sites"]):
        assert begun <= row.pop("own_key_at") <= utc_now(), "the moment of the update"
    kept.close()
    assert ours.keys() == theirs.keys()
    assert {name: differences(theirs[name], ours[name]) for name in ours if theirs[name] != ours[name]} == {}


def test_a_picture_is_judged_hidden_and_brought_back_and_what_is_old_is_forgotten(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The short way through every service; `make test-postgresql` runs all of their tests."""
    monkeypatch.setenv("PICWARD_TEST_DATABASE_URL", url)
    bench = make_bench(tmp_path)
    site = acting_site(bench)
    with bench.core.db.write() as connection:
        connection.execute(sign_in_tries.insert(), {"key": "many", "count": 1_000, "tried_at": bench.clock()})
    blocked = decided(bench, site, "a", 0.9)
    assert bench.platform.hidden == {"a"}
    verdicts.resolve(bench.core, blocked, Verdict.ALLOW, "Ada")
    enforce.run_next(bench.core)
    assert bench.platform.hidden == set()
    assert tries(bench) == 1
    clock.begin(bench.core)
    bench.clock.pass_seconds(400 * 86_400)
    clock.run_due(bench.core)
    assert tries(bench) == 0
    bench.core.db.close()


def tries(bench: Bench) -> int:
    with bench.core.db.read() as connection:
        return connection.execute(select(func.count()).select_from(sign_in_tries)).scalar_one()
