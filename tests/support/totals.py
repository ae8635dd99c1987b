"""What the suite's tables say at its end: how many rows each had, and what became of them, added up over every process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest

_PROPERTY = "table"


def told(item: pytest.Item, table: str, **counts: int) -> None:
    """Let the end of the run print these counts of a table; those of several tests are added up."""
    item.user_properties.append((_PROPERTY, [table, counts]))


def added(reports: Iterable[pytest.TestReport]) -> dict[str, Counter[str]]:
    """Add up what passed."""
    tables: dict[str, Counter[str]] = {}
    for report in reports:
        for name, value in report.user_properties if report.when == "call" and report.passed else ():
            if name == _PROPERTY:
                table, counts = value
                tables.setdefault(table, Counter()).update(counts)
    return tables
