"""A worker that is stopped beyond its lease while it hides, and comes back after a person restored what another worker hid."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import update

from app.config import Config
from app.db import migrate
from app.db.tables import enforcements
from app.domain.decisions import Verdict
from app.domain.detector import HashEntry, HashKind, ListKind
from app.domain.jobs import WorkState
from app.domain.taxonomy import BLOCKED_HASH
from app.factory import make_core
from app.services.review import showing, verdicts
from app.services.rules import lists
from app.services.sites import connecting
from bench.processes import PICWARD
from tests.integrations.folder.e2e.stopping_worker import MOMENTS
from tests.support.instance import Instance, wait_for

pytestmark = pytest.mark.e2e

RESTORED = "SELECT media_id, token FROM enforcements WHERE action = 'restore' AND state = 'done'"
ROOT = Path(__file__).parents[4]


@contextmanager
def worker(instance: Instance, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    with instance.log.open("ab") as log:
        process = subprocess.Popen(command, env=instance.env, cwd=ROOT, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(40)


def is_stopped(process: subprocess.Popen[bytes]) -> bool:
    return Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


def test_a_worker_that_comes_back_from_the_dead_hides_nothing_that_a_person_restored(tmp_path: Path) -> None:
    instance = Instance(tmp_path, log_level="WARNING")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number, name in enumerate(MOMENTS):
        Image.new("RGB", (64, 48), (number, 90, 200)).save(pictures / name)
    core = make_core(Config(data_dir=tmp_path / "var"))
    migrate.upgrade(core.db)
    known = [hashlib.sha256((pictures / name).read_bytes()).hexdigest() for name in MOMENTS]
    lists.import_entries(core, [HashEntry(HashKind.SHA256, one, ListKind.BLOCK, BLOCKED_HASH) for one in known], "", "Ada")
    site = connecting.add(core, "folder", "Pictures", "Ada", {"path": str(pictures)})

    def there() -> set[str]:
        return {path.name for path in pictures.glob("*.png")}

    def actions(action: str, state: str) -> int:
        return instance.rows("SELECT action, state FROM enforcements").count((action, state))

    def said_again() -> set[str]:
        """Name the pictures whose restore was applied twice: the number of its lease grew by an order to do so, and a claim."""
        return {row[0] for row in instance.rows(RESTORED) if row[1] > 2}

    stopping = (sys.executable, "-m", "tests.integrations.folder.e2e.stopping_worker", f"{pictures}.quarantine")
    with worker(instance, *stopping) as stopped:
        wait_for(lambda: is_stopped(stopped), "the worker to be stopped at all three", 60, instance.log)
        assert actions("hide", "busy") == len(MOMENTS) and there() == {"claimed.png", "called.png"}
        with core.db.write() as connection:  # as minutes would, and no clock decides how the test ends
            connection.execute(update(enforcements).where(enforcements.c.state == WorkState.BUSY).values(lease_until=1))
        with worker(instance, PICWARD, "work"):
            wait_for(lambda: actions("hide", "done") == len(MOMENTS), "another worker to hide them", 60, instance.log)
            assert there() == set()
            for shown in showing.recent(core, site.id):
                verdicts.resolve(core, shown.decision.id, Verdict.ALLOW, "Ada")
            wait_for(lambda: actions("restore", "done") == len(MOMENTS), "a person's word to be made true", 60, instance.log)
            assert there() == set(MOMENTS)

            os.kill(stopped.pid, signal.SIGCONT)
            wait_for(lambda: said_again() == {"called.png", "moved.png"}, "the last word to be said again", 60, instance.log)
            assert there() == set(MOMENTS) and instance.log.read_text().count("before it was applied") == 1
            assert actions("hide", "parked") == actions("restore", "parked") == 0
    core.db.close()
