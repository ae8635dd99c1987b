"""The Firestore emulator of npm's @firestore-emulator/server as a process: documents, queries, transactions and listeners.

Known to differ from Firestore: an update() with several transforms fails, and `last_update_time` preconditions are ignored.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

_SUPPORT = Path(__file__).parents[3] / "support"
_INSTALL_SECONDS = 300


@cache
def npm_folder(package: Path, lock: Path) -> Path:
    """Give the folder with the packages of a lock, installed once per machine; skip the test where there is no Node."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed; tests/support/install.sh installs them on Debian")
    command = [_SUPPORT / "firebase_npm.sh", package, lock]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return Path(done.stdout.strip())


@contextmanager
def firestore_emulator() -> Iterator[str]:
    """Run an empty Firestore; give `127.0.0.1:port` for FIRESTORE_EMULATOR_HOST."""
    folder = npm_folder(_SUPPORT / "firebase_firestore.json", _SUPPORT / "firebase_firestore.lock.json")
    command = ["node", str(_SUPPORT / "firebase_firestore.cjs"), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            assert port.isdigit(), f"the Firestore emulator did not start: {port}"
            yield f"127.0.0.1:{port}"
        finally:
            # It ends with its standard input, so nothing stays behind when a test run is killed.
            process.kill()
