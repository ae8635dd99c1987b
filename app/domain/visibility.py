"""What a person sees of what was decided."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Visibility:
    """The sites that lists are limited to; what is restricted is left out unless `restricted` is true.

    Steps about no site, such as those about people, are for whoever sees the `house`.
    """

    sites: tuple[str, ...]
    restricted: bool = False
    house: bool = False
