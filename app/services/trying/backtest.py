"""What a draft of a policy would have decided: replayed over stored signals, set by set, and nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.db import hashes, replays
from app.db.replays import Stored
from app.domain.decisions import Action, Verdict
from app.domain.detector import Fingerprint, HashEntry, HashKind, Judge
from app.domain.policy import Policy, Replayer
from app.domain.settings import SiteSettings
from app.services.core import Core
from app.services.sites import sites

LOOKED_AT = 5_000
"""Decisions that a draft is tried on while its author waits: a tenth of a second."""

EXAMPLES = 6
"""Pictures that are shown of each kind of change; more are in the history once it is saved."""

LOOKS_COMPARED = 10_000_000
"""Pictures times PDQ entries that are compared, at most: 1 to 2 s. Beyond it, what the decisions noted about lists counts."""


class Change(StrEnum):
    """What a draft would do to a picture that is decided otherwise now."""

    HIDE = "hide"
    MARK = "mark"
    RELEASE = "release"
    REVIEW = "review"
    SETTLE = "settle"


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a draft would change among the decisions that were looked at.

    `decided_by_people` of them stay because a person's verdict binds the bytes, `unseen` because a detector's signals for
    them are not stored. `by_category` counts each change by the category that asks for it, or, for RELEASE and SETTLE,
    "". `examples` are ids of decisions. `as_noted` says that list matches were taken from the decisions themselves.
    """

    looked_at: int = 0
    decided_by_people: int = 0
    unseen: int = 0
    changes: Mapping[Change, int] = field(default_factory=dict)
    by_category: Mapping[tuple[Change, str], int] = field(default_factory=dict)
    examples: Mapping[Change, tuple[int, ...]] = field(default_factory=dict)
    as_noted: bool = False


def try_policy(
    core: Core, site_id: str, policy: Policy, settings: SiteSettings | None = None, limit: int = LOOKED_AT
) -> Backtest:
    """Replay a draft over a site's last decisions; each verdict is what `replay.replay_policy` would come to.

    `settings` are those that would be saved with it, since they say what may be hidden.
    """
    site = sites.get(core, site_id)
    can_hide = Action.HIDE in core.platform(site.platform).actions
    may_hide = (settings or site.settings).may_hide
    judge = core.judge()
    detectors = dict(judge.detectors)
    replayer = Replayer(policy)
    changes: Counter[Change] = Counter()
    by_category: Counter[tuple[Change, str]] = Counter()
    examples: dict[Change, list[int]] = {change: [] for change in Change}
    looked_at = people = unseen = 0
    with core.db.read() as connection:
        bound = replays.decided_by_people(connection, site_id)
        listed = Lists(judge, hashes.for_site(connection, site_id), limit)
        for chunk in replays.in_force(connection, site_id, limit, looks=listed.looks):
            looked_at += len(chunk)
            found = listed.peaks(chunk)
            for stored in chunk:
                if stored.sha256 in bound:
                    people += 1
                    continue
                peaks = known_peaks(stored, detectors)
                if peaks is None:
                    unseen += 1
                    continue
                if stored.id in found:
                    peaks = {**peaks, **found[stored.id]}
                verdict, cause = replayer.verdict(peaks, stored.context, failed=stored.failed)
                if verdict is stored.verdict:
                    continue
                hides = can_hide and (verdict is not Verdict.BLOCK or may_hide(stored.context()))
                change = _change(verdict, stored.verdict, hides=hides)
                changes[change] += 1
                by_category[change, cause] += 1
                if len(examples[change]) < EXAMPLES:
                    examples[change].append(stored.id)
    shown = {change: tuple(ids) for change, ids in examples.items() if ids}
    return Backtest(looked_at, people, unseen, dict(changes), dict(by_category), shown, listed.as_noted)


def _change(verdict: Verdict, before: Verdict, *, hides: bool) -> Change:
    if verdict is Verdict.BLOCK:
        return Change.HIDE if hides else Change.MARK
    if verdict is Verdict.REVIEW:
        return Change.REVIEW
    return Change.RELEASE if before is Verdict.BLOCK else Change.SETTLE


def known_peaks(stored: Stored, detectors: Mapping[str, str]) -> Mapping[str, float] | None:
    """Collect the highest scores by these detectors, in these versions.

    None when one of them has not seen the picture, and no failure says why: a verdict would be made of too little.
    """
    found = []
    for name, version in detectors.items():
        known = stored.peaks.get(name)
        if known is not None and known[0] == version:
            found.append(known[1])
        elif not stored.failed:
            return None
    return found[0] if len(found) == 1 else merged(found)


def merged(found: Iterable[Mapping[str, float]]) -> dict[str, float]:
    peaks: dict[str, float] = {}
    for scores in found:
        for category, score in scores.items():
            peaks[category] = max(score, peaks.get(category, score))
    return peaks


class Lists:
    """A site's hash lists, matched with many pictures at once. They raise nothing: entries were checked when they came."""

    def __init__(self, judge: Judge, entries: Sequence[HashEntry], pictures: int) -> None:
        self._judge = judge
        self._files = {entry.value for entry in entries if entry.kind is HashKind.SHA256}
        looks = sum(entry.kind is HashKind.PDQ for entry in entries)
        self.as_noted = looks * pictures > LOOKS_COMPARED
        self.looks = looks > 0 and not self.as_noted
        self._index = judge.index(entries) if entries and not self.as_noted else None

    def peaks(self, chunk: Sequence[Stored]) -> dict[int, Mapping[str, float]]:
        """Collect the scores by list for those decisions whose picture is on one, by the decision's id."""
        if self.as_noted:
            return {stored.id: noted for stored in chunk if (noted := _noted(stored))}
        if self._index is None:
            return {}
        if self.looks:
            prints = [Fingerprint(stored.sha256, stored.pdq, 0, 0, stored.others) for stored in chunk]
            matched = self._judge.match_all(prints, self._index)
        else:
            index, match = self._index, self._judge.match
            some = [(n, stored) for n, stored in enumerate(chunk) if stored.sha256 in self._files]
            matched = {n: match(Fingerprint(stored.sha256, "", 0, 0), index) for n, stored in some}
        return {chunk[n].id: merged({signal.category: signal.score} for signal in found) for n, found in matched.items()}


def _noted(stored: Stored) -> dict[str, float]:
    of_lists = [reason for reason in stored.noted if reason["category"].endswith("_hash")]
    return merged({reason["category"]: float(reason.get("score") or 1.0)} for reason in of_lists)
