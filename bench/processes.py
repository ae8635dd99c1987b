"""Start and stop the programs that are measured, on loopback, in a directory of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

PICWARD = str(Path(sys.executable).with_name("picward"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(folder: Path, port: int) -> dict[str, str]:
    """Give the settings of an instance that keeps its data in `folder`."""
    own = {"PICWARD_DATA_DIR": str(folder), "PICWARD_PORT": str(port), "PICWARD_LOG_LEVEL": "WARNING"}
    return {**os.environ, **own}


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextlib.contextmanager
def running(command: Sequence[str], env: dict[str, str], ready: str, seconds: float = 60) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends; the block begins when `ready` is answered."""
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + seconds
        while not answers(ready):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not get ready")
            time.sleep(0.02)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def tree(pid: int) -> list[int]:
    """Give a process and all its descendants."""
    found, fresh = [pid], [pid]
    while fresh:
        children = []
        for parent in fresh:
            for task in Path(f"/proc/{parent}/task").glob("*/children"):
                with contextlib.suppress(OSError):
                    children += [int(child) for child in task.read_text().split()]
        fresh = children
        found += children
    return found


def picward(env: dict[str, str], *words: str) -> str:
    return subprocess.run([PICWARD, *words], env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
