"""The pages that owners and reviewers live in."""

from __future__ import annotations

from . import connecting, decisions, entry, review, rules, settings, sites
from .guard import room

__all__ = ["connecting", "decisions", "entry", "review", "room", "rules", "settings", "sites"]
