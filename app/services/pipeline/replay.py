"""Decide anew, from stored signals, what an older version of a policy decided."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.db import decisions, hashes, pictures
from app.db import sites as site_rows
from app.domain.decisions import Decision, Outcome, Ruling, Verdict
from app.domain.detector import HashIndex, Judge
from app.domain.errors import DecisionStale, PicwardError
from app.domain.platform import Site
from app.domain.policy import Policy, decide
from app.services.core import Core
from app.services.pipeline import record
from app.services.pipeline.previews import seal, worth_showing
from app.services.rules import policies
from app.services.sites import sites

log = logging.getLogger(__name__)

BATCH = 500
"""Decisions that are read at once, and looked at before the worker asks whether it should stop."""

TOGETHER = 25
"""Decisions that share one commit: most of a commit is waiting for the disk, and a webhook must not wait for all of them."""


@dataclass(frozen=True, slots=True)
class _Anew:
    """Hold what a decision becomes, with a preview where there was none."""

    before: Decision
    outcome: Outcome
    preview: tuple[bytes, bytes] | None


def replay_policy(core: Core, site_id: str, stopping: Callable[[], bool] = lambda: False) -> int:
    """Replay the newest policy over a site's older decisions; return how many were looked at, 0 when none is left.

    What a person decided stays. So does what a detector has not looked at in its newest version: too little would be known.
    A picture that is found now and was not before is fetched once more, for its preview only.
    """
    judge = core.judge()
    with core.db.read() as connection:
        site = sites.get(core, site_id)
        policy = policies.load(connection, site_id)
        stale = decisions.by_policy(connection, site_id, policy.version, BATCH)
        index = judge.index(hashes.for_site(connection, site_id)) if stale else None
    looked = 0
    while stale:
        for start in range(0, len(stale), TOGETHER):
            anew = []
            for decision in stale[start : start + TOGETHER]:
                outcome = _decide(core, judge, index, policy, decision)
                anew.append(_Anew(decision, outcome, _missing_preview(core, judge, index, site, decision, outcome)))
                if stopping():  # what is fetched for a preview can take long
                    break
            _store(core, site, policy, anew)
            looked += len(anew)
            if stopping():
                return looked
        if len(stale) < BATCH:
            break
        with core.db.read() as connection:
            stale = decisions.by_policy(connection, site_id, policy.version, BATCH, stale[-1].id)
    return looked


def _decide(core: Core, judge: Judge, index: HashIndex | None, policy: Policy, decision: Decision) -> Outcome:
    as_it_is = Outcome(decision.verdict, decision.reasons, decision.enforce)
    failures = [reason.text for reason in decision.reasons if reason.category == "unsafe.file" and not reason.rule]
    with core.db.read() as connection:
        if decisions.by_person(connection, decision.site_id, decision.sha256) is not None:
            return as_it_is
        known = pictures.known_signals(connection, decision.sha256, judge.detectors)
        if len(known) < len(judge.detectors) and not failures:
            return as_it_is
        picture = pictures.fingerprint(connection, decision.sha256)
    listed = judge.match(picture, index) if picture is not None and index is not None else ()
    seen = [signal for found in (*known.values(), listed) for signal in found]
    return decide(policy, seen, decision.media.context, failures)


def _missing_preview(
    core: Core, judge: Judge, index: HashIndex | None, site: Site, decision: Decision, outcome: Outcome
) -> tuple[bytes, bytes] | None:
    if outcome.verdict is Verdict.ALLOW or not worth_showing(outcome.reasons):
        return None
    with core.db.read() as connection:
        if pictures.preview(connection, site.id, decision.sha256) is not None:
            return None
    try:
        with core.platform(site.platform).fetch(site, decision.media) as source:
            data = source.read(core.limits.max_image_bytes)
    except PicwardError as error:
        log.info("no preview for decision %d: %s", decision.id, error)
        return None
    judgement = judge.judge(data, ())
    return seal(core, judgement, judge.match(judgement.fingerprint, index) if index is not None else ())


def _store(core: Core, site: Site, policy: Policy, anew: Sequence[_Anew]) -> None:
    """Store decisions together; one by one when another decided one of them meanwhile."""
    try:
        with core.db.write() as connection:
            now = core.now()
            for item in anew:
                before, outcome = item.before, item.outcome
                if item.preview is not None:
                    pictures.keep_preview(connection, site.id, before.sha256, *item.preview, now)
                ruling = Ruling(
                    before.job_id,
                    before.media,
                    before.sha256,
                    outcome,
                    now,
                    policy_version=policy.version,
                    supersedes=before.id,
                    silent=(before.verdict, before.enforce) == (outcome.verdict, outcome.enforce),
                )
                record.store(core, connection, site, ruling)
    except DecisionStale:
        if len(anew) == 1:
            log.info("decision %d was superseded during the replay", anew[0].before.id)
            return
        for item in anew:
            _store(core, site, policy, [item])


def catch_up(core: Core, site_id: str, replayed: int, stopping: Callable[[], bool]) -> bool:
    """Replay a site's newest policy when `replayed` is an older version; True when nothing was left, which is then noted."""
    with core.db.read() as connection:
        version = policies.load(connection, site_id).version
    if version <= replayed:
        return True
    while replay_policy(core, site_id, stopping):
        if stopping():
            return False
    with core.db.write() as connection:
        site_rows.change(connection, site_id, replayed_version=version)
    core.wake()
    return True
