"""Every kind of process that decodes has a sandbox of its own, and leaves nothing behind however it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.config import Config
from app.factory import make_core
from app.services.trying import pictures
from tests.support.tricks import two_in_one
from tests.unit.models.drawn import encoded, squares

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="/proc tells who lives")]

TWO = encoded(two_in_one(squares(3), squares(4)), "PNG")
"""One picture on white, and another on black."""


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def living(mark: Path, module: str = "models.zygote") -> set[int]:
    """Find the processes that run a module and were given the folder `mark` to look for modules in."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            run = (process / "cmdline").read_bytes().split(b"\0")
            given = (process / "environ").read_bytes()
        except OSError:
            continue
        if module.encode() in run and str(mark).encode() in given:
            found.add(int(process.name))
    return found


@contextmanager
def started(mark: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run Python with a data directory, and with `mark` where modules are looked for, which zygotes and children inherit."""
    surroundings = os.environ | {"PICWARD_DATA_DIR": str(mark / "var"), "PYTHONPATH": f"{mark}{os.pathsep}{Path.cwd()}"}
    process = subprocess.Popen([sys.executable, *arguments], env=surroundings, stdout=subprocess.PIPE, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PICWARD_DATA_DIR", str(tmp_path / "var"))
    with started(tmp_path, "-m", "app.cli", "migrate") as migration:
        assert migration.wait(60) == 0
    return tmp_path


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_decodes_in_a_sandbox_that_ends_with_it(mark: Path, ending: signal.Signals) -> None:
    core = make_core(Config())
    try:
        with started(mark, "-m", "app.cli", "work") as worker:
            id_ = pictures.begin(core, TWO, 1)
            until(lambda: pictures.get(core, id_, 1).judged)
            assert pictures.get(core, id_, 1).fingerprint.others
            assert len(living(mark)) >= 2, "a zygote and a child"
            worker.send_signal(ending)
            worker.wait(60)
            until(lambda: not living(mark))
    finally:
        core.db.close()


def test_a_worker_whose_zygote_and_children_are_killed_judges_on(mark: Path) -> None:
    core = make_core(Config())
    try:
        with started(mark, "-m", "app.cli", "work"):
            for _ in range(2):
                id_ = pictures.begin(core, TWO, 1)
                until(lambda id_=id_: pictures.get(core, id_, 1).judged)
                seen = pictures.get(core, id_, 1)
                assert seen.fingerprint.others and not seen.failures
                for pid in living(mark):
                    os.kill(pid, signal.SIGKILL)
                until(lambda: not living(mark))
    finally:
        core.db.close()


def test_a_command_decodes_in_a_sandbox_that_ends_with_it(mark: Path) -> None:
    (mark / "picture.png").write_bytes(TWO)
    with started(mark, "-m", "app.cli", "hashes", "of", str(mark / "picture.png")) as command:
        out, _ = command.communicate(timeout=60)
    assert command.returncode == 0 and out.count(b"pdq,") >= 2
    until(lambda: not living(mark))


WEB = """
import os
from pathlib import Path
from app.config import Config
from app.factory import judge_from
from app.server import Server

class Judging(Server):
    def load(self):
        judge = judge_from(Path("weights"), 1_000_000)
        data = (Path(os.environ["PICWARD_DATA_DIR"]).parent / "picture.png").read_bytes()
        judge().judge(data, ())  # the worst case: a sandbox is there before the fork
        def application(environ, start):
            judgement = judge().judge(data, ())
            start("200 OK", [])
            return [f"{os.getpid()} {len(judgement.fingerprint.looks)} {judgement.failures}".encode()]
        return application

Judging(Config()).run()
"""


def test_web_processes_decode_in_sandboxes_of_their_own(mark: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As gunicorn runs them: forked from a process that has loaded the application, each with its threads."""
    (mark / "picture.png").write_bytes(TWO)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("PICWARD_PORT", str(port))
    monkeypatch.setenv("PICWARD_WEB_PROCESSES", "2")
    answers: dict[bytes, set[bytes]] = {}

    def both() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
                pid, said = answer.read().split(b" ", 1)
        except OSError:
            return False
        answers.setdefault(pid, set()).add(said)
        return len(answers) == 2

    with started(mark, "-c", WEB) as web:
        until(both)
        assert len({frozenset(said) for said in answers.values()}) == 1
        ((said,), _) = answers.values()
        assert said.endswith(b" ()") and int(said.split()[0]) >= 2
        web.kill()
        web.wait()
        until(lambda: not living(mark))
