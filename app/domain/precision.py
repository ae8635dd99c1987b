"""How often Picward is right: the share of its findings that people confirmed, and how sure that is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

Z = 1.959964
"""Standard deviations of a 95 % interval."""

ENOUGH = 20
"""Verdicts from which a share is shown: below, its interval is about as wide as half of everything."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of `total` were right, and the bounds of the true share at 95 % confidence, 0.0 to 1.0."""

    right: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float:
        return self.right / self.total if self.total else 0.0

    @property
    def enough(self) -> bool:
        return self.total >= ENOUGH


def share(right: int, total: int) -> Share:
    """Estimate a share by Wilson's score interval (E. B. Wilson, JASA 22, 1927): sound for few and for extreme counts."""
    if total <= 0:
        return Share(0, 0, 0.0, 1.0)
    p, z2 = right / total, Z * Z
    middle = (p + z2 / (2 * total)) / (1 + z2 / total)
    half = Z / (1 + z2 / total) * sqrt(p * (1 - p) / total + z2 / (4 * total * total))
    return Share(right, total, max(0.0, middle - half), min(1.0, middle + half))


def by_category(confirmed: Mapping[str, int], overturned: Mapping[str, int]) -> dict[str, Share]:
    """Compute how often people agreed with us. A verdict that was changed later may leave a day's count below zero."""
    shares = {}
    for category in {*confirmed, *overturned}:
        right, wrong = max(confirmed.get(category, 0), 0), max(overturned.get(category, 0), 0)
        if right + wrong:
            shares[category] = share(right, right + wrong)
    return dict(sorted(shares.items(), key=lambda item: -item[1].total))
