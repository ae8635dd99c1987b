"""Reach a decision for one image version: fetch, judge, decide, store."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Connection

from app.db import audit, decisions, enforcements, jobs, pictures, tallies
from app.db import sites as site_rows
from app.domain.decisions import Action, Decision, Outcome, Reason, Verdict
from app.domain.detector import Judge, Judgement
from app.domain.errors import DecisionStale, MediaGone, MediaUnreadable, PlatformRefused, PlatformUnavailable
from app.domain.jobs import MAX_DEATHS, ModerationJob, Priority, WorkState, retry_delay
from app.domain.media import MediaRef
from app.domain.platform import Site, SiteState
from app.domain.policy import decide
from app.domain.taxonomy import CATEGORIES, Severity
from app.services import attempt, lists, policies, sites
from app.services.core import SECOND, Core

log = logging.getLogger(__name__)

FETCH_TRIES = 2
"""How often a fetch is tried at least, however old the job is: it may have waited for days until its site was connected."""


def queue(
    connection: Connection, site_id: str, media: MediaRef, priority: Priority, now: int, *, patiently: bool = False
) -> bool:
    """Queue an image version that is new to us, or was gone and is back; False when it is known, as an echo of ours is.

    Other versions stay as they are: deliveries may come late and out of order, and only a fetch proves which one is there.
    One that comes back `patiently` waits longer each time: a platform may name two versions in turns without end.
    """
    if jobs.add(connection, site_id, media, 0, priority, now) is not None:
        return True
    known = jobs.latest(connection, site_id, media.id, media.version)
    if known is None or known.state != WorkState.GONE:
        return False
    wait = retry_delay(known.round + 1) if patiently else 0.0
    return jobs.add(connection, site_id, media, known.round + 1, priority, now, int(wait * SECOND)) is not None


def queue_many(connection: Connection, site_id: str, media: Sequence[MediaRef], priority: Priority, now: int) -> int:
    """Queue what a listing gives, as `queue` does for each; return how many were new."""
    seen = jobs.seen(connection, site_id, media)
    unseen = list({item: item for item in media if item.id not in seen})
    jobs.add_many(connection, site_id, unseen, priority, now)
    return len(unseen) + sum(queue(connection, site_id, item, priority, now) for item in media if item.id in seen)


def rejudge(core: Core, site_id: str, media_id: str) -> bool:
    """Queue another round for an image, as after a new model; a person's verdict for the same bytes still binds."""
    with core.db.write() as connection:
        added = jobs.add_round(connection, site_id, media_id, core.now())
    core.wake()
    return added


@dataclass(frozen=True)
class Moderator:
    """Run jobs. One per worker process, shared by its threads."""

    core: Core

    @cached_property
    def judge(self) -> Judge:
        return self.core.judge()

    @cached_property
    def indexes(self) -> lists.ListIndexes:
        return lists.ListIndexes(self.core.db, self.judge.index)

    def run_next(self, found: Callable[[], None] = lambda: None) -> bool:
        """Claim and run one job; False when none is due. `found` is called once it is claimed, before it is judged."""
        core = self.core
        if attempt.run_next(core, lambda: self.judge, found):
            return True
        with core.db.write() as connection:
            job = jobs.claim(connection, core.now(), core.limits.lease_seconds * SECOND)
        if job is None:
            return False
        found()
        self._run(job)
        return True

    def _run(self, job: ModerationJob) -> None:
        core = self.core
        site = sites.get(core, job.site_id)
        try:
            self._moderate(job, site)
        except MediaGone as error:
            with core.db.write() as connection:
                if jobs.end(connection, job, WorkState.GONE, core.now(), str(error)):
                    audit.add(connection, core.now(), "worker", "media.gone", str(error), site.id, job.media.id)
                    if error.now is not None:
                        queue(connection, site.id, error.now, job.priority, core.now(), patiently=True)
                    else:
                        release_parent(core, connection, site, job.media.id)
        except PlatformUnavailable as error:
            self._retry(job, site, str(error), error.retry_after)
        except PlatformRefused as error:
            self._give_to_a_person(job, site, f"The picture could not be fetched: {error}")
        except DecisionStale:
            log.info("job %d was decided elsewhere", job.id)
        except Exception as error:
            # A bug of ours or of a library must not loop for ever, and must not allow.
            log.exception("job %d failed", job.id)
            self._retry(job, site, f"{type(error).__name__}: {error}", None, stumbled=True)

    def _retry(self, job: ModerationJob, site: Site, problem: str, asked: float | None, *, stumbled: bool = False) -> None:
        core = self.core
        delay = retry_delay(job.attempts, asked)
        with core.db.read() as connection:
            row = jobs.get(connection, job.id)
        waited = core.now() - row.created_at if row else 0
        if waited > core.limits.fetch_hours * 3600 * SECOND and job.attempts >= FETCH_TRIES:
            self._give_to_a_person(job, site, f"The picture could not be fetched for {core.limits.fetch_hours} hours: {problem}")
            return
        with core.db.write() as connection:
            jobs.later(connection, job, core.now() + int(delay * SECOND), problem, stumbled=stumbled)
            site_rows.change(connection, site.id, {"problem": problem})

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
            known = pictures.known_signals(connection, sha256, self.judge.detectors)
        if verdict is not None:
            self._store(job, site, sha256, _as_before(verdict), policy.version, None)
            return
        wanted = [detector for detector in self.judge.detectors if detector not in known]
        judgement = self.judge.judge(data, wanted)
        with core.db.read() as connection:
            index = self.indexes.get(connection, site.id)
        listed = self.judge.match(judgement.fingerprint, index)
        seen = [signal for found in (*known.values(), *judgement.signals.values(), listed) for signal in found]
        outcome = decide(policy, seen, job.media.context, judgement.failures)
        self._store(job, site, sha256, outcome, policy.version, judgement)

    def _bytes(self, site: Site, media: MediaRef) -> bytes:
        limit = self.core.limits.max_image_bytes
        with self.core.platform(site.platform).fetch(site, media) as source:
            data = source.read(limit + 1)
        if len(data) > limit:
            raise MediaUnreadable(f"The file is larger than {limit // 1_000_000} MB and was not looked at.")
        return data

    def _store(
        self, job: ModerationJob, site: Site, sha256: str, outcome: Outcome, policy_version: int, judgement: Judgement | None
    ) -> None:
        core = self.core
        shown = seal_preview(core, judgement) if judgement is not None and worth_showing(outcome.reasons) else None
        now = core.now()
        with core.db.write() as connection:
            if jobs.overtaken(connection, job, core.limits.lease_seconds * SECOND, now):
                # Another version was fetched since this one was: only another look tells which one is there now.
                jobs.later(connection, job, now, "another version was found meanwhile")
                return
            # The token fences everything below: a worker that lost its lease writes nothing.
            if not jobs.end(connection, job, WorkState.DONE, now):
                return
            if sha256:
                jobs.replace_others(connection, site.id, job.media, now)
            current = decisions.current(connection, site.id, job.media.id, job.media.version)
            if judgement is not None:
                pictures.keep(connection, judgement.fingerprint, self.judge.detectors, judgement.signals)
            if shown is not None:
                pictures.keep_preview(connection, site.id, sha256, *shown, now)
            record(
                core,
                connection,
                site,
                job_id=job.id,
                media=job.media,
                sha256=sha256,
                outcome=outcome,
                person="",
                policy_version=policy_version,
                supersedes=current.id if current else None,
                now=now,
            )
        core.wake()


def _as_before(verdict: Decision) -> Outcome:
    said = "approved" if verdict.verdict is Verdict.ALLOW else "rejected"
    text = f"{verdict.person} {said} these very bytes before (decision {verdict.id})"
    return Outcome(verdict.verdict, (Reason(verdict.verdict, "", text),), enforce=verdict.verdict is Verdict.BLOCK)


def worth_showing(reasons: Iterable[Reason]) -> bool:
    """Say whether people will want to see the picture: something was found, in shadow too, and nothing that is restricted."""
    found = [reason for reason in reasons if reason.verdict is not Verdict.ALLOW]
    return bool(found) and not any(CATEGORIES[r.category].restricted for r in found if r.category in CATEGORIES)


def seal_preview(core: Core, judgement: Judgement) -> tuple[bytes, bytes] | None:
    """Make the clear and the blurred preview, encrypted; None when the picture cannot be decoded."""
    shown = judgement.preview()
    return (core.vault.lock(shown[0]), core.vault.lock(shown[1])) if shown is not None else None


def severity(reasons: Iterable[Reason]) -> Severity:
    """Give the most severe category among the reasons, to order the review queue."""
    return max(
        (CATEGORIES[reason.category].severity for reason in reasons if reason.category in CATEGORIES),
        default=Severity.INFORMATION,
    )


def record(
    core: Core,
    connection: Connection,
    site: Site,
    *,
    job_id: int,
    media: MediaRef,
    sha256: str,
    outcome: Outcome,
    person: str,
    policy_version: int | None,
    supersedes: int | None,
    now: int,
    action: Action | None = None,
    silent: bool = False,
    batch: str = "",
    restored_version: int | None = None,
) -> int:
    """Store a decision and the action that makes it true (chosen unless given), in the caller's transaction.

    A `silent` one says what was true already, so that there is nothing to do. Raise `DecisionStale` when another was first.
    """
    decision_id = decisions.add(
        connection,
        site_id=site.id,
        job_id=job_id,
        sha256=sha256,
        outcome=outcome,
        severity=severity(outcome.reasons),
        person=person,
        policy_version=policy_version,
        supersedes=supersedes,
        now=now,
        batch=batch,
        restored_version=restored_version,
    )
    tallies.decided(
        connection,
        site_id=site.id,
        job_id=job_id,
        verdict=outcome.verdict,
        reasons=outcome.reasons,
        person=person,
        policy_version=policy_version,
        restored_version=restored_version,
        supersedes=supersedes,
        now=now,
    )
    action = action or wanted_action(connection, core, site, media, outcome, person)
    if action is not None and not silent and site.state is not SiteState.REMOVED:
        enforcements.add(connection, site.id, decision_id, media, action, now)
    return decision_id


def release_parent(core: Core, connection: Connection, site: Site, media_id: str) -> None:
    """Ask for the parent back when the image that it was hidden for is gone for good; in the caller's transaction."""
    if not core.platform(site.platform).hides_parents:
        return
    hidden_by = enforcements.hides(connection, site.id, media_id)
    decision = decisions.get(connection, hidden_by) if hidden_by is not None else None
    if decision is None:
        return
    last = decisions.current(connection, site.id, decision.media.id, decision.media.version) or decision
    outcome = Outcome(Verdict.ALLOW, (Reason(Verdict.ALLOW, "", "The picture is gone; nothing of it is left to hide"),))
    record(
        core,
        connection,
        site,
        job_id=last.job_id,
        media=last.media,
        sha256=last.sha256,
        outcome=outcome,
        person="",
        policy_version=None,
        supersedes=last.id,
        now=core.now(),
        action=Action.RESTORE,
    )


def wanted_action(
    connection: Connection, core: Core, site: Site, media: MediaRef, outcome: Outcome, person: str
) -> Action | None:
    """Choose what makes an outcome true: a person's BLOCK always hides, a policy's only where the site's settings let it."""
    platform = core.platform(site.platform)
    actions = platform.actions
    if outcome.verdict is Verdict.BLOCK and outcome.enforce and (person or site.settings.may_hide(media.context)):
        return Action.HIDE if Action.HIDE in actions else Action.LABEL if Action.LABEL in actions else None
    # A parent that was hidden for an earlier version of an image comes back when the one that is there now is allowed.
    version = "" if platform.hides_parents else media.version
    if outcome.verdict is Verdict.ALLOW and enforcements.hides(connection, site.id, media.id, version) is not None:
        return Action.RESTORE
    return Action.LABEL if Action.LABEL in actions else None
