from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.core import Bench, make_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = make_bench(tmp_path)
    yield made
    made.core.db.close()
