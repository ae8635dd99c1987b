"""What a person sees of what was decided."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.settings import ChangedBy


@dataclass(frozen=True, slots=True)
class Visibility:
    """The sites that lists are limited to, every connected one where none are named (None).

    What is restricted is left out unless `restricted` is true.
    Steps about no site, such as those about people, are for whoever sees the `house`. What settings were set to is told on the
    owner's `side` only.
    """

    sites: tuple[str, ...] | None
    restricted: bool = False
    house: bool = False
    side: ChangedBy = ChangedBy.PLATFORM
