"""Time as everything here has it: UTC, integer microseconds, handed in as an argument."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

SECOND = 1_000_000
"""Microseconds."""
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc(at: int) -> datetime:
    return datetime.fromtimestamp(at / SECOND, UTC)


def iso(at: int) -> str:
    """Write a time as ISO 8601, to the second: 2026-11-22T12:00:00+00:00."""
    return utc(at).isoformat(timespec="seconds")


def since_epoch(moment: datetime) -> int:
    """Count the microseconds up to a moment; one that names no zone is in UTC."""
    known = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (known - _EPOCH) // timedelta(microseconds=1)


def microseconds(text: str) -> int:
    """Read a time of ISO 8601; 0 for what is none."""
    try:
        return since_epoch(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return 0
