"""The interface for programs: what the pages use, as JSON, for bearers of a token."""

from __future__ import annotations

from . import configuration, decisions, document, hashes, insights, sites
from .operations import room

__all__ = ["configuration", "decisions", "document", "hashes", "insights", "room", "sites"]
