"""What every use case works with. The wiring makes one per process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from app.db.engine import Database
from app.domain.detector import Judge
from app.domain.errors import PlatformUnknown
from app.domain.platform import Platform

SECOND = 1_000_000
"""Microseconds."""
DAY = 86_400 * SECOND


class Vault(Protocol):
    """Encrypt what must not be readable in a copy of the database."""

    def lock(self, clear: bytes) -> bytes: ...

    def open(self, locked: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Hold the operator's limits that use cases need; `app.config` declares and explains them."""

    lease_seconds: int
    max_image_bytes: int
    delivery_days: int
    enforce_hours: int
    fetch_hours: int


@dataclass(frozen=True, slots=True)
class Core:
    """Hold one process's database, platforms, judge, clock and limits.

    `judge` is called only where bytes are looked at, so a web process never loads a model. `wake` hints to workers that
    something is due; losing a hint costs a second, never an item.
    """

    db: Database
    vault: Vault
    platforms: Mapping[str, Platform]
    judge: Callable[[], Judge]
    now: Callable[[], int]
    wake: Callable[[], None]
    limits: Limits
    public_url: str

    def platform(self, slug: str) -> Platform:
        try:
            return self.platforms[slug]
        except KeyError:
            raise PlatformUnknown(f"There is no platform called “{slug}” here.") from None
