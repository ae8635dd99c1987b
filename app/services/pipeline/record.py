"""Store a decision with the action that makes it true, whoever decided."""

from __future__ import annotations

from sqlalchemy import Connection

from app.db import decisions, enforcements, tallies
from app.domain.decisions import Action, Outcome, Reason, Ruling, Verdict
from app.domain.media import MediaRef
from app.domain.platform import Site, SiteState
from app.services.core import Core


def store(core: Core, connection: Connection, site: Site, ruling: Ruling) -> int:
    """Store a ruling in the caller's transaction: the decision, what is counted, what waits, and the action that makes it true.

    Raise `DecisionStale` when another was first.
    """
    decision_id = decisions.add(connection, site.id, ruling)
    tallies.decided(connection, site.id, ruling)
    action = ruling.action or wanted_action(core, connection, site, ruling.media, ruling.outcome, ruling.person)
    if action is not None and not ruling.silent and site.state is not SiteState.REMOVED:
        enforcements.add(connection, site.id, decision_id, ruling.media, action, ruling.decided_at)
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
    ruling = Ruling(last.job_id, last.media, last.sha256, outcome, core.now(), supersedes=last.id, action=Action.RESTORE)
    store(core, connection, site, ruling)


def wanted_action(
    core: Core, connection: Connection, site: Site, media: MediaRef, outcome: Outcome, person: str
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
