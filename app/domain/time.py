"""Time as everything here has it: UTC, integer microseconds, handed in as an argument."""

from __future__ import annotations

SECOND = 1_000_000
"""Microseconds."""
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
