"""What `make test` fetched before the tests began: no test waits for a registry."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

import pytest

NOT_FETCHED = 3
"""What a script ends with when PICWARD_FETCH=no and nothing is there; see cache.sh."""


@cache
def fetched(script: Path, *words: str) -> Path:
    """Give the folder that a script of tests/support/install.sh fetched; skip the test where there is none."""
    environment = {**os.environ, "PICWARD_FETCH": "no"}
    done = subprocess.run([script, *words], env=environment, capture_output=True, text=True, check=False)
    if done.returncode == NOT_FETCHED:
        pytest.skip(f"{done.stderr.strip()}; sh tests/support/install.sh fetches it")
    assert done.returncode == 0, done.stderr[-3000:]
    return Path(done.stdout.strip())
