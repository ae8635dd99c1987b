"""Figures over time, from what was counted when it happened."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.db import queue, tallies
from app.db.tallies import Noted
from app.domain import precision
from app.domain.decisions import Verdict
from app.domain.precision import Share
from app.domain.statistics import Tally, percentile
from app.domain.time import DAY
from app.domain.visibility import Visibility
from app.services.core import Core

PERIODS = (7, 30, 90, 365)
"""Days that a page can look back on; the first page shows 30."""


@dataclass(frozen=True, slots=True)
class Spans:
    """How long something took: half of `count` at most `p50` seconds, and 95 % at most `p95`; None without any."""

    count: int
    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of some sites over some days, `first` to today, as days since 1970-01-01 in UTC.

    `series` has a number for each day under each of `SERIES` and WAITING (at the day's end). `precision` is, for each
    category, how often people agreed with a policy that had not allowed a picture.
    """

    first: int
    days: int
    series: Mapping[Tally, tuple[int, ...]]
    verdicts: Mapping[str, int] = field(default_factory=dict)
    precision: Mapping[str, Share] = field(default_factory=dict)
    found: Mapping[str, int] = field(default_factory=dict)
    to_verdict: Spans = Spans(0, None, None)
    to_answer: Spans = Spans(0, None, None)

    def total(self, name: Tally) -> int:
        return sum(self.series[name])


CATEGORISED = (Tally.JUDGED, Tally.FOUND, Tally.CONFIRMED, Tally.OVERTURNED, Tally.JUDGED_IN, Tally.ANSWERED_IN)

SERIES = (Tally.JUDGED, Tally.HIDDEN, Tally.RESTORED, Tally.ANSWERED, Tally.EXPOSED)


def figures(core: Core, visibility: Visibility, days: int) -> Figures:
    """Read the figures of the sites of a visibility over the last days, today included."""
    today = core.now() // DAY
    first = today - days + 1
    with core.db.read() as connection:
        by_day = tallies.daily(connection, visibility, SERIES, first, today)
        totals = tallies.totals(connection, visibility, CATEGORISED, first, today)
        noted = tallies.waiting(connection, visibility, today)
        waiting_now = queue.count(connection, replace(visibility, restricted=True))
    daily: dict[Tally, list[int]] = {name: [0] * days for name in SERIES}
    by_category: dict[Tally, Counter[str]] = defaultdict(Counter)
    for figure in by_day:
        daily[figure.name][figure.day - first] = figure.count
    for total in totals:
        by_category[total.name][total.category] += total.count
    daily[Tally.WAITING] = _waiting(noted, first, days, waiting_now)
    return Figures(
        first,
        days,
        {name: tuple(numbers) for name, numbers in daily.items()},
        {verdict: by_category[Tally.JUDGED][verdict] for verdict in Verdict},
        precision.by_category(by_category[Tally.CONFIRMED], by_category[Tally.OVERTURNED]),
        dict(by_category[Tally.FOUND]),
        _spans(by_category[Tally.JUDGED_IN]),
        _spans(by_category[Tally.ANSWERED_IN]),
    )


def _spans(steps: Mapping[str, int]) -> Spans:
    counted = {int(step): count for step, count in steps.items()}
    return Spans(sum(counted.values()), percentile(counted, 0.5), percentile(counted, 0.95))


def _waiting(noted: Sequence[Noted], first: int, days: int, now: int) -> list[int]:
    """Add the sites' notes up day by day; a day without a note is as the one before. Today is what is true now."""
    total = [0] * days
    by_site: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for note in noted:
        by_site[note.site_id].append((note.day, note.count))
    for notes in by_site.values():
        notes.sort()
        last, place = 0, 0
        for number in range(days):
            while place < len(notes) and notes[place][0] <= first + number:
                last = notes[place][1]
                place += 1
            total[number] += last
    total[-1] = now
    return total


def note_waiting(core: Core) -> None:
    """Note how many pictures wait now on each site where that has changed; the day's last note stays."""
    now = core.now()
    with core.db.read() as connection:
        waiting, noted = queue.counts(connection), tallies.last_waiting(connection, now)
    changed = {site_id for site_id in {*waiting, *noted} if waiting.get(site_id, 0) != noted.get(site_id, 0)}
    if changed:
        with core.db.write() as connection:
            for site_id in changed:
                tallies.note_waiting(connection, site_id, now, waiting.get(site_id, 0))
