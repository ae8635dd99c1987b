"""Reach a decision for one image version: fetch, judge, decide, store."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from sqlalchemy import Connection

from app.db import audit, decisions, enforcements, jobs, pictures
from app.db import sites as site_rows
from app.domain.decisions import Decision, Outcome, Reason, Ruling, Verdict
from app.domain.detector import HashIndex, Judge, Judgement
from app.domain.errors import (
    CredentialsExpired,
    DecisionStale,
    MediaGone,
    MediaSkipped,
    MediaUnreadable,
    PlatformClosed,
    PlatformRefused,
    PlatformThrottled,
    PlatformUnavailable,
)
from app.domain.jobs import MAX_DEATHS, ModerationJob, Priority, WorkState, retry_delay
from app.domain.media import MediaRef
from app.domain.platform import Site
from app.domain.policy import decide
from app.domain.signals import Signal
from app.domain.taxonomy import CATEGORIES
from app.domain.time import HOUR, SECOND
from app.services.core import Core
from app.services.pipeline import previews, record
from app.services.rules import lists, policies
from app.services.sites import holds, sites

log = logging.getLogger(__name__)

FETCH_TRIES = 2
"""How often a fetch is tried at least, however old the job is: it may have waited for days until its site was connected."""


def add_job(
    connection: Connection, site_id: str, media: MediaRef, priority: Priority, now: int, *, patiently: bool = False
) -> bool:
    """Add a job for an image version that is new to us, or was gone and is back; False when it is known, as an echo of ours is.

    Other versions stay as they are: deliveries may come late and out of order, and only a fetch proves which one is there.
    One that comes back `patiently` waits longer each time: a platform may name two versions in turns without end.
    """
    if jobs.add(connection, site_id, media, 0, priority, now) is not None:
        return True
    known = jobs.latest(connection, site_id, media.id, media.version)
    if known is None or known.state is not WorkState.GONE:
        return False
    wait = retry_delay(known.round + 1) if patiently else 0.0
    return jobs.add(connection, site_id, media, known.round + 1, priority, now, int(wait * SECOND)) is not None


def add_jobs(connection: Connection, site_id: str, media: Sequence[MediaRef], priority: Priority, now: int) -> int:
    """Add jobs for what a listing gives, as `add_job` does for each; return how many were new."""
    seen = jobs.seen(connection, site_id, media)
    unseen = list({item: item for item in media if item.id not in seen})
    jobs.add_many(connection, site_id, unseen, priority, now)
    return len(unseen) + sum(add_job(connection, site_id, item, priority, now) for item in media if item.id in seen)


def rejudge(core: Core, site_id: str, media_id: str) -> bool:
    """Queue another round for an image, as after a new model; a person's verdict for the same bytes still binds."""
    with core.db.write() as connection:
        added = jobs.add_round(connection, site_id, media_id, core.now())
    core.wake()
    return added


@dataclass(frozen=True)
class Moderator:
    """Run jobs. One per worker process, shared by its threads; of those, as many judge at a time as `hands` lets."""

    core: Core
    hands: AbstractContextManager[Any] = field(default_factory=nullcontext)

    @cached_property
    def judge(self) -> Judge:
        return self.core.judge()

    @cached_property
    def indexes(self) -> lists.ListIndexes:
        return lists.ListIndexes(self.core.db, self.judge.index)

    def run_next(self, found: Callable[[], None] = lambda: None) -> bool:
        """Claim and run one job; False when none is due. `found` is called once it is claimed, before it is judged."""
        core = self.core
        with core.db.write() as connection:
            job = jobs.claim(connection, core.now(), core.limits.lease_seconds * SECOND)
        if job is None:
            return False
        found()
        self._run(job)
        return True

    def _run(self, job: ModerationJob) -> None:
        core = self.core
        site, began = sites.get(core, job.site_id), core.now()
        try:
            self._moderate(job, site)
        except (CredentialsExpired, PlatformClosed) as error:
            with core.db.write() as connection:
                if jobs.give_back(connection, job, core.now(), str(error)):
                    holds.hold(core, connection, site.id, error, began)
        except MediaGone as error:
            with core.db.write() as connection:
                holds.recover(core, connection, site.id)
                if jobs.end(connection, job, WorkState.GONE, core.now(), str(error)):
                    audit.add(connection, core.now(), "worker", "media.gone", str(error), site.id, job.media.id)
                    if error.now is not None:
                        add_job(connection, site.id, error.now, job.priority, core.now(), patiently=True)
                    else:
                        record.release_parent(core, connection, site, job.media.id)
        except MediaSkipped as error:
            with core.db.write() as connection:
                holds.recover(core, connection, site.id)
                if jobs.end(connection, job, WorkState.GONE, core.now(), str(error)):
                    site_rows.count_skipped(connection, site.id, 1)
        except PlatformUnavailable as error:
            self._retry(job, site, str(error), error, began)
        except PlatformRefused as error:
            self._give_to_a_person(job, site, f"The picture could not be fetched: {error}")
        except DecisionStale:
            log.info("job %d was decided elsewhere", job.id)
        except Exception as error:
            # A bug of ours or of a library must not loop for ever, and must not allow.
            log.exception("job %d failed", job.id)
            self._retry(job, site, f"{type(error).__name__}: {error}")

    def _retry(
        self, job: ModerationJob, site: Site, problem: str, error: PlatformUnavailable | None = None, began: int = 0
    ) -> None:
        core = self.core
        asked = error.retry_after if error is not None else None
        delay = retry_delay(job.attempts, asked)
        with core.db.read() as connection:
            row = jobs.get(connection, job.id)
        waited = core.now() - row.created_at if row else 0
        if waited > core.limits.fetch_hours * HOUR and job.attempts >= FETCH_TRIES:
            self._give_to_a_person(job, site, f"The picture could not be fetched for {core.limits.fetch_hours} hours: {problem}")
            return
        with core.db.write() as connection:
            now = core.now()
            jobs.later(connection, job, now, now + int(delay * SECOND), problem, stumbled=error is None)
            if isinstance(error, PlatformThrottled):
                holds.hold(core, connection, site.id, error, began)
            else:
                site_rows.fail(connection, site.id, problem)

    def _give_to_a_person(self, job: ModerationJob, site: Site, failure: str) -> None:
        with self.core.db.read() as connection:
            policy = policies.load(connection, site.id)
        self._store(job, site, "", decide(policy, (), job.media.context, [failure]), policy.version, None)

    def _moderate(self, job: ModerationJob, site: Site) -> None:
        core = self.core
        if job.deaths >= MAX_DEATHS:
            self._give_to_a_person(job, site, f"The picture could not be judged in {MAX_DEATHS} tries")
            return
        try:
            data = self._bytes(site, job.media)
        except MediaUnreadable as error:
            self._give_to_a_person(job, site, str(error))
            return
        sha256 = hashlib.sha256(data).hexdigest()
        with core.db.read() as connection:
            verdict = decisions.by_person(connection, site.id, sha256)
            policy = policies.load(connection, site.id)
            known = pictures.known_signals(connection, sha256, self.judge.detectors, self.judge.decoding)
            index = self.indexes.get(connection, site.id)
            knew = _knew_it_is_severe(connection, verdict)
            unkept = enforcements.unkept_block(connection, site.id, job.media)
        if verdict is not None and (
            knew or verdict.verdict is not Verdict.ALLOW or not severe(self._listed(self._judge(data, ()), index))
        ):
            self._store(job, site, sha256, _as_before(verdict), policy.version, None)
            return
        wanted = [detector for detector in self.judge.detectors if detector not in known]
        judgement = self._judge(data, wanted)
        listed = self._listed(judgement, index)
        seen = [signal for found in (*known.values(), *judgement.signals.values(), listed) for signal in found]
        outcome = decide(policy, seen, job.media.context, judgement.failures)
        if verdict is not None:
            outcome = _list_wins(outcome, verdict)
        elif unkept and outcome.verdict is Verdict.ALLOW:
            text = f"{unkept} rejected the bytes that were here before; these are others, so a person decides again"
            outcome = Outcome(Verdict.REVIEW, (Reason(Verdict.REVIEW, "", text), *outcome.reasons))
        self._store(job, site, sha256, outcome, policy.version, judgement, listed)

    def _judge(self, data: bytes, wanted: Sequence[str]) -> Judgement:
        with self.hands:
            return self.judge.judge(data, wanted)

    def _listed(self, judgement: Judgement, index: HashIndex) -> Sequence[Signal]:
        return self.judge.match(judgement.fingerprint, index)

    def _bytes(self, site: Site, media: MediaRef) -> bytes:
        limit = self.core.limits.max_image_bytes
        with self.core.platform(site.platform).fetch(site, media) as source:
            data = source.read(limit + 1)
        if len(data) > limit:
            raise MediaUnreadable(f"The file is larger than {limit // 1_000_000} MB and was not looked at.")
        return data

    def _store(
        self,
        job: ModerationJob,
        site: Site,
        sha256: str,
        outcome: Outcome,
        policy_version: int,
        judgement: Judgement | None,
        listed: Sequence[Signal] = (),
    ) -> None:
        core = self.core
        shown = None
        if judgement is not None and previews.worth_showing(outcome.reasons):
            shown = previews.seal(core, judgement, listed)
        now = core.now()
        with core.db.write() as connection:
            if jobs.overtaken(connection, job, core.limits.lease_seconds * SECOND, now):
                # Another version was fetched since this one was: only another look tells which one is there now.
                jobs.later(connection, job, now, now, "another version was found meanwhile")
                return
            # The token fences everything below: a worker that lost its lease writes nothing.
            if not jobs.end(connection, job, WorkState.DONE, now):
                return
            if sha256:
                holds.recover(core, connection, site.id)
                jobs.replace_others(connection, site.id, job.media, now)
            current = decisions.current(connection, site.id, job.media.id, job.media.version)
            if judgement is not None:
                judge = self.judge
                pictures.keep(connection, judgement.fingerprint, judge.detectors, judgement.signals, judge.decoding)
            if shown is not None:
                pictures.keep_preview(connection, site.id, sha256, *shown, now)
            before = current.id if current else None
            ruling = Ruling(job.id, job.media, sha256, outcome, now, policy_version=policy_version, supersedes=before)
            record.store(core, connection, site, ruling)
        core.wake()


def severe(found: Iterable[Signal | Reason]) -> bool:
    """Tell whether any of it is of a category that is restricted, or that two people must agree about."""
    categories = [CATEGORIES[one.category] for one in found if one.category in CATEGORIES]
    return any(category.restricted or category.two_people for category in categories)


def _knew_it_is_severe(connection: Connection, verdict: Decision | None) -> bool:
    """Tell whether a person's verdict was about a severe finding: then two people gave it, and it binds whatever is listed."""
    before = decisions.get(connection, verdict.supersedes) if verdict is not None and verdict.supersedes else None
    return before is not None and severe(before.reasons)


def _list_wins(outcome: Outcome, verdict: Decision) -> Outcome:
    text = f"{verdict.person} approved these very bytes (decision {verdict.id}) without this match: the list wins"
    return replace(outcome, reasons=(*outcome.reasons, Reason(outcome.verdict, "", text)))


def _as_before(verdict: Decision) -> Outcome:
    said = "approved" if verdict.verdict is Verdict.ALLOW else "rejected"
    text = f"{verdict.person} {said} these very bytes before (decision {verdict.id})"
    return Outcome(verdict.verdict, (Reason(verdict.verdict, "", text),), enforce=verdict.verdict is Verdict.BLOCK)
