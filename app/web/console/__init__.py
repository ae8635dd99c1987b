"""The pages that owners and reviewers live in."""

from __future__ import annotations

from . import (
    attempt,
    backtest,
    batches,
    connecting,
    decisions,
    entry,
    guests,
    history,
    insights,
    keys,
    people,
    review,
    rules,
    settings,
    sites,
    tokens,
)
from .guard import room

__all__ = [
    "attempt",
    "backtest",
    "batches",
    "connecting",
    "decisions",
    "entry",
    "guests",
    "history",
    "insights",
    "keys",
    "people",
    "review",
    "room",
    "rules",
    "settings",
    "sites",
    "tokens",
]
