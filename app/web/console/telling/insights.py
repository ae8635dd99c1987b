"""Figures over time, drawn on the server."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10

from flask import render_template, request

from app.domain.precision import ENOUGH
from app.domain.roles import Right
from app.domain.statistics import Tally
from app.domain.time import DAY, utc
from app.services.telling import insights as service
from app.services.telling.insights import Figures
from app.web.console.guard import needs, room, visibility
from app.web.console.sites.choosing import asked_site, choice
from app.web.security import core, number
from app.web.texts import Lazy, lazy

WIDTH, HEIGHT = 640.0, 200.0
LEFT, BOTTOM, TOP = 44.0, 24.0, 10.0
"""A plot's size and margins, in its own units; pages scale it."""

BARS_MOST = 92
"""Bars that a plot shows: more than a quarter's days are gathered into weeks, else a bar is thinner than a line."""

PLOTS: tuple[tuple[Tally, Lazy, Lazy, bool], ...] = (
    (Tally.JUDGED, lazy("Judged"), lazy("Pictures that a policy decided, each day."), True),
    (Tally.HIDDEN, lazy("Hidden"), lazy("Pictures that were hidden at the site, by a rule or by a person."), True),
    (Tally.RESTORED, lazy("Restored"), lazy("Hidden pictures that were shown again."), True),
    (Tally.WAITING, lazy("Waiting"), lazy("Pictures that waited for a person at the end of the day."), False),
    (Tally.ANSWERED, lazy("Decided by people"), lazy("Reviews that a person decided."), True),
    (Tally.EXPOSED, lazy("Exposures"), lazy("Clear looks that reviewers took at pictures."), True),
)
"""What is drawn: the series, its title, what it counts, and whether days add up (or the last one counts)."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar in the plot's units, with the day it begins at and its number."""

    x: float
    y: float
    width: float
    height: float
    day: str
    count: int


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot ready to be drawn: bars, the lines of its scale (height and number), and the days named below."""

    name: str
    title: Lazy
    about: Lazy
    total: int
    weekly: bool
    bars: tuple[Bar, ...]
    scale: tuple[tuple[float, int], ...]
    days: tuple[tuple[float, str], ...]


@room.get("/insights")
@needs(Right.SEE)
def insights() -> str:
    """Show what happened, how long it took, and how often people agreed; by site and period."""
    site_id = asked_site()
    asked = number(request.args.get("days", ""))
    days = asked if asked in service.PERIODS else 30
    figures = service.figures(core(), visibility(site_id), days)
    return render_template(
        "telling/insights.html",
        figures=figures,
        plots=[plot(figures, *about) for about in PLOTS],
        periods=service.PERIODS,
        days=days,
        site_id=site_id,
        choice=choice(site_id),
        enough=ENOUGH,
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        bottom=BOTTOM,
    )


def plot(figures: Figures, name: Tally, title: Lazy, about: Lazy, adds_up: bool) -> Plot:
    """Lay a series out as bars, by day, or by week where there are many days."""
    numbers = list(figures.series[name])
    weekly = len(numbers) > BARS_MOST
    step = 7 if weekly else 1
    # Weeks end today, so that the last bar is a whole one.
    starts = list(range(len(numbers) % step or step, len(numbers) + 1, step)) if weekly else list(range(1, len(numbers) + 1))
    groups = [(max(end - step, 0), end) for end in starts]
    counts = [sum(numbers[a:b]) if adds_up else numbers[b - 1] for a, b in groups]
    top = _nice(max([*counts, 1]))
    wide = (WIDTH - LEFT) / max(len(counts), 1)
    high = HEIGHT - BOTTOM - TOP
    bars = tuple(
        Bar(
            round(LEFT + wide * place + wide * 0.1, 2),
            round(TOP + high * (1 - count / top), 2),
            round(wide * 0.8, 2),
            round(high * count / top, 2),
            _day(figures.first + groups[place][0]),
            count,
        )
        for place, count in enumerate(counts)
    )
    scale = tuple((round(TOP + high * (1 - part), 2), round(top * part)) for part in ((0.0, 0.5, 1.0) if top > 1 else (0.0, 1.0)))
    named = sorted({0, len(bars) // 2, len(bars) - 1})
    days = tuple((round(bars[place].x + bars[place].width / 2, 2), bars[place].day) for place in named)
    return Plot(name, title, about, sum(numbers) if adds_up else numbers[-1], weekly, bars, scale, days)


def _nice(most: int) -> int:
    """Round up to a number that a scale can end at: 1, 2, 4, 6, 10 times a power of ten; even above 1, for its middle."""
    if most == 1:
        return 1
    power = 10 ** floor(log10(most))
    return next(int(part * power) for part in (2, 4, 6, 10) if part * power >= most)


def _day(number: int) -> str:
    return utc(number * DAY).strftime("%Y-%m-%d")
