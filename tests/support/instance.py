"""A real Picward for end-to-end tests: `picward serve` with its web and worker processes, in a directory of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.processes import PICWARD, answers, environment, free_port, tree


class Instance:
    """Start, stop and kill one installation; its data stay between starts."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = environment(folder / "var", self.port) | {f"PICWARD_{name.upper()}": value for name, value in settings.items()}
        self.log = folder / "picward.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 60) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([PICWARD, "serve"], env=self.env, stdout=log, stderr=log, start_new_session=True)
        wait_for(self.ready, "picward to be ready", seconds, self.log)

    def ready(self) -> bool:
        return answers(f"{self.url}/ready")

    def stop(self) -> None:
        """Stop in order, and insist that nothing stays behind."""
        if self.process is None:
            return
        family = tree(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(40)
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(5)
        self.process = None

    def processes(self) -> dict[str, int]:
        """Give the pids by what they are: supervisor, web master, web worker, worker."""
        assert self.process is not None
        found = {"supervisor": self.process.pid}
        for pid in tree(self.process.pid)[1:]:
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                role = words[-2].decode() if len(words) > 1 else ""
                if role == "work":
                    found["worker"] = pid
                elif role == "web":
                    parent = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
                    found["web master" if parent == self.process.pid else "web worker"] = pid
        return found

    def cli(self, *words: str) -> str:
        done = subprocess.run([PICWARD, *words], env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def decisions(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.cli("decisions", "list", "--json", "--limit", "1000").splitlines()]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Look into the database file itself, so that a test does not believe the program about itself."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder}/var/picward.db?mode=ro", uri=True, timeout=30)) as db:
            return db.execute(query).fetchall()


@contextlib.contextmanager
def running(folder: Path, **settings: str) -> Iterator[Instance]:
    instance = Instance(folder, **settings)
    instance.start()
    try:
        yield instance
    finally:
        instance.stop()


def wait_for(true: Callable[[], Any], what: str, seconds: float = 60, log: Path | None = None) -> Any:
    """Wait until a condition holds and return its value; a test's bound, not a measurement."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.1)
    tail = log.read_text()[-3000:] if log is not None and log.exists() else ""
    raise AssertionError(f"waited {seconds:.0f} s for {what}\n{tail}")
