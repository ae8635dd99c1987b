"""What a measurement is: a figure of ours beside its limit or a peer, and whether it is good enough."""

from __future__ import annotations

from dataclasses import dataclass

TO_KNOW = "–"
"""The goal of a row that has none: the comparison is not a fair one, and it is good to know."""

HEAD = "| what | Picward | beside | ratio | goal | met |\n|---|---|---|---|---|---|"


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    ours: str
    beside: str
    ratio: float
    goal: str
    met: bool

    def markdown(self) -> str:
        met = TO_KNOW if self.goal == TO_KNOW else "yes" if self.met else "**no**"
        return f"| {self.what} | {self.ours} | {self.beside} | {self.ratio:.2f} | {self.goal} | {met} |"


class Missing(Exception):
    """A tool is not on this machine; the message says which, and how to get it. What was measured before it counts."""


class Meaningless(Exception):
    """Something went wrong while measuring, so that the figures would mean nothing."""


def limited(what: str, ours: str, value: float, limit: float, unit: str) -> Row:
    """Compare a value with the most that it may be, both in `unit`."""
    return Row(what, ours, f"limit {limit:g} {unit}", round(value / limit, 2), "<= 1.00", value <= limit)
