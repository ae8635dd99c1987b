"""The Firestore emulator of npm's @firestore-emulator/server as a process: documents, queries, transactions and listeners.

Known to differ from Firestore: an update() with several transforms fails, and `last_update_time` preconditions are ignored.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.fetched import fetched

_PACKAGES = Path(__file__).parents[1] / "packages"
_NPM_CI = Path(__file__).parents[3] / "support" / "npm_ci.sh"


def npm_folder(name: str) -> Path:
    """Give the folder with the packages that `packages/<name>` locks; skip the test where they or Node.js are not there."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed; tests/support/install.sh installs it on Debian")
    return fetched(_NPM_CI, str(_PACKAGES / name))


@contextmanager
def firestore_emulator() -> Iterator[str]:
    """Run an empty Firestore; give `127.0.0.1:port` for FIRESTORE_EMULATOR_HOST."""
    command = ["node", str(_PACKAGES / "firestore" / "serve.cjs"), str(npm_folder("firestore"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            assert port.isdigit(), f"the Firestore emulator did not start: {port}"
            yield f"127.0.0.1:{port}"
        finally:
            # It ends with its standard input, so nothing stays behind when a test run is killed.
            process.kill()
