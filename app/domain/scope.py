"""What a person sees of what was decided."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """Limit lists to these sites, and leave out what is restricted unless `restricted` is true.

    Steps that are about no site, as those about people, are for who sees the `house`.
    """

    sites: tuple[str, ...]
    restricted: bool = False
    house: bool = False
