from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.support.core import Bench, make_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = make_bench(tmp_path)
    yield made
    made.core.db.close()


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say what one of several test processes must have to itself: files share their fixtures, and all that starts real
    machines (sites, browsers, whole installations) goes one after the other, so that none starves another."""
    for item in items:
        path = Path(item.location[0])
        alone = path.is_relative_to("tests/upgrade") or bool({"e2e", "plugin"} & set(path.parts))
        real = alone or item.get_closest_marker("e2e") is not None
        item.add_marker(pytest.mark.xdist_group("machines" if real else path.as_posix()))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where everything must run; only tests of live accounts may be skipped there."""
    report = yield
    if report.skipped and os.environ.get("PICWARD_TESTS_SKIP_NOTHING") and item.get_closest_marker("live") is None:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped and nothing may be: {report.longrepr}"
    return report
