from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support import totals
from tests.support.core import Bench, make_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = make_bench(tmp_path)
    yield made
    made.core.db.close()


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Give what prints a table's totals at the end of the run: `tell("addresses", refused=12)`."""
    return partial(totals.told, request.node)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say what one of several test processes must have to itself: files share their fixtures, and all that starts real
    machines (sites, browsers, whole installations) goes one after the other, so that none starves another."""
    for item in items:
        path = Path(item.location[0])
        alone = path.is_relative_to("tests/upgrade") or bool({"e2e", "plugin"} & set(path.parts))
        real = alone or item.get_closest_marker("e2e") is not None
        item.add_marker(pytest.mark.xdist_group("machines" if real else path.as_posix()))
        for mark in item.iter_markers("table"):
            totals.told(item, mark.args[0], cases=1)


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many rows the tables had that say what holds."""
    tables = totals.added(report for reports in terminalreporter.stats.values() for report in reports if hasattr(report, "when"))
    for table, counts in sorted(tables.items()):
        terminalreporter.write_line(f"{table}: {', '.join(f'{count:,} {what}' for what, count in counts.items())}")
