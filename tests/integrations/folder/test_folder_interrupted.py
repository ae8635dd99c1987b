"""A directory and its quarantine when the process is stopped or killed at any moment, or has company."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.domain.decisions import Action
from tests.integrations.folder.actions import PLATFORM, do, picture, quarantined
from tests.integrations.folder.contract import LONG_AGO, PIXELS, site, write

STEPS = ("rename", "link", "unlink", "fsync", "open", "utime", "fchmod", "mkdir")


def interrupted(monkeypatch: pytest.MonkeyPatch, at: int) -> Iterator[None]:
    """Stop the process's own doing just before its system call number `at`, as a kill would."""
    count = 0

    def counting(function: Any) -> Any:
        def run(*args: Any, **more: Any) -> Any:
            nonlocal count
            count += 1
            if count == at:
                raise KeyboardInterrupt
            return function(*args, **more)

        return run

    with monkeypatch.context() as patched:
        for name in STEPS:
            patched.setattr(os, name, counting(getattr(os, name)))
        yield


@pytest.mark.parametrize("across", [False, True])
def test_stopped_before_any_step_nothing_is_lost_and_doing_it_again_ends_it(
    directory: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, across: bool
) -> None:
    if across:
        request.getfixturevalue("two_filesystems")
    stopped = 0
    for action in (Action.HIDE, Action.RESTORE, Action.DELETE):
        for at in range(1, 60):
            write(directory / "a.png", PIXELS)
            (directory / "a.png").chmod(0o640)
            if action is Action.RESTORE:
                do(Action.HIDE, directory)
            for _ in interrupted(monkeypatch, at):
                try:
                    do(action, directory)
                except KeyboardInterrupt:
                    stopped += 1
            if action is not Action.DELETE:
                with PLATFORM.fetch(site(directory), picture()) as file:
                    assert file.read() == PIXELS
            do(action, directory)
            assert (directory / "a.png").exists() is (action is Action.RESTORE)
            if action is not Action.DELETE:
                assert do(Action.RESTORE, directory).drifted == ""
                status = (directory / "a.png").stat()
                assert (status.st_mode & 0o777, status.st_mtime_ns) == (0o640, LONG_AGO)
                assert [path.name for path in directory.iterdir() if not path.name.startswith(".picward")] == ["a.png"]
            assert ".bin" not in quarantined(directory)
    assert stopped > 20


KILLED = """
import sys
from pathlib import Path
from tests.integrations.folder.contract import site
from tests.integrations.folder.actions import PLATFORM, picture
from tests.contract.sample import enforcement
from app.domain.decisions import Action
directory = Path(sys.argv[1])
names = sorted(path.name for path in directory.glob("*.png"))
print("ready", flush=True)
while True:
    for action in (Action.HIDE, Action.RESTORE):
        for name in names:
            PLATFORM.apply(site(directory), enforcement(action, picture(name, name.encode())))
"""


def test_killed_at_any_moment_nothing_is_lost(directory: Path) -> None:
    names = [f"{number:02}.png" for number in range(40)]
    root = Path(__file__).parents[3]
    for round in range(5):
        for name in names:
            write(directory / name, name.encode())
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(directory)], cwd=root, stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        time.sleep(0.01 + 0.037 * round)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        for name in names:
            media = picture(name, name.encode())
            with PLATFORM.fetch(site(directory), media) as file:
                assert file.read() == name.encode()
            assert do(Action.RESTORE, directory, media).drifted == ""
        assert sorted(path.name for path in directory.glob("*.png")) == names
        assert ".bin" not in quarantined(directory)


def test_two_workers_do_not_meet(directory: Path) -> None:
    write(directory / "a.png", PIXELS)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            for _ in range(30):
                do(Action.HIDE, directory)
                do(Action.RESTORE, directory)
        except BaseException as error:
            # Hidden and given back by the others between our two steps is no failure; a lost picture is.
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    do(Action.RESTORE, directory)
    assert (directory / "a.png").read_bytes() == PIXELS and quarantined(directory) == []
