"""The pages that owners and reviewers live in."""

from __future__ import annotations

from app.web.console.guard import room
from app.web.console.people import accounts, entry, guests, tokens
from app.web.console.review import batches, decisions, history, keys, queue
from app.web.console.rules import backtest, policies, settings
from app.web.console.sites import connecting, sites
from app.web.console.telling import insights
from app.web.console.trying import pictures

PAGES = (
    *(accounts, entry, guests, tokens),
    *(batches, decisions, history, keys, queue),
    *(backtest, policies, settings),
    *(connecting, sites),
    insights,
    pictures,
)
"""Every module whose routes are in the room: importing one adds them."""

__all__ = ["PAGES", "room"]
