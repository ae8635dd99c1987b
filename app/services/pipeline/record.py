"""Store a decision with the action that makes it true, whoever decided."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from app.db import decisions, enforcements, tallies
from app.domain.decisions import Action, Outcome, Reason, Verdict
from app.domain.media import MediaRef
from app.domain.platform import Site, SiteState
from app.domain.taxonomy import CATEGORIES, Severity
from app.services.core import Core


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
