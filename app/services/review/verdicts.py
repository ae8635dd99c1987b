"""People decide: verdicts, second opinions, and taking a verdict back."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from app.db import audit, decisions, enforcements, jobs, queue
from app.db import sites as site_rows
from app.domain.decisions import Action, Decision, Outcome, Reason, Ruling, Verdict
from app.domain.errors import (
    BeingReviewed,
    DecisionStale,
    DecisionUnknown,
    Escalated,
    SecondPersonNeeded,
    SettingsInvalid,
    UndoImpossible,
)
from app.domain.jobs import WorkState
from app.domain.names import by
from app.domain.platform import Site
from app.domain.rejections import REJECTIONS
from app.domain.taxonomy import CATEGORIES
from app.domain.visibility import Visibility
from app.services.core import Core
from app.services.pipeline import record
from app.services.review import showing
from app.services.rules import lists
from app.services.sites import sites

FOLLOWED = 20
"""How many decisions of newer policies a verdict follows to the one in force; each was stored while a person looked."""

UNDO_RULE = "undo"
"""What stands in the place of a rule where an undo says that it was one."""


def resolve(
    core: Core,
    decision_id: int,
    verdict: Verdict,
    person: str,
    *,
    person_id: int = 0,
    rejection: str = "",
    never_again: bool = False,
    delete: bool = False,
    take_over: bool = False,
    within: Visibility | None = None,
    alone: bool = False,
) -> int:
    """Supersede a decision with a person's: it binds for these bytes from now on. Return the decision in force then.

    That is the same one when two people must agree and this is the first: it is kept as an opinion. `rejection` is a key of
    `REJECTIONS`; without one a rejection is for what was found. `delete` removes a rejected picture for good, where the
    site's settings offer that; else `SettingsInvalid` is raised. Raise `DecisionStale` after another verdict,
    `BeingReviewed` while another person looks at it, unless `take_over` is true, and `SecondPersonNeeded`, which one who is
    `alone` always meets: a program, or somebody at the platform, is not one of two. `within` is what this person may decide,
    None for everything, as on this machine's command line; see `permit`.
    """
    with core.db.write() as connection:
        decision = in_force(connection, decision_id)
        permit(connection, decision, within)
        if alone and decision.two_people:
            raise SecondPersonNeeded("Two people must agree about this picture. They decide in Picward's console.")
        site = sites.get(core, decision.site_id)
        if delete and not (site.settings.delete_blocked and verdict is Verdict.BLOCK):
            raise SettingsInvalid("Deleting is switched off in this site's settings.")
        if not take_over:
            not_of_another(connection, decision.id, person_id, core.now())
        said = Said(verdict, person, person_id, rejection, never_again=never_again, delete=delete)
        resolved = settle(core, connection, site, decision, said)
    core.wake()
    return resolved


def in_force(connection: Connection, decision_id: int) -> Decision:
    """Give the decision that a person means: the one they saw, or the same question as a newer policy asked it meanwhile."""
    decision = showing.load(connection, decision_id)
    for _ in range(FOLLOWED):
        later = decisions.successor(connection, decision.id)
        if later is None:
            return decision
        if later.person or later.verdict is not decision.verdict:
            break
        decision = later
    raise DecisionStale("Someone else decided this picture meanwhile; look at it again.")


def permit(connection: Connection, decision: Decision, within: Visibility | None) -> None:
    """Refuse who may not overrule the decision in force, whichever decision they named.

    Raise `DecisionUnknown` for one of another site, or a restricted one, and `Escalated` for one that waits for others.
    """
    if within is None:
        return
    if not site_rows.seen_of(connection, within, [decision.site_id]) or (decision.restricted and not within.restricted):
        raise DecisionUnknown("There is no such decision.")
    row = queue.get(connection, decision.id)
    if row is not None and row.escalated and not within.restricted:
        raise Escalated("It was escalated: an owner or a restricted reviewer decides.")


def not_of_another(connection: Connection, decision_id: int, person_id: int, now: int) -> None:
    """Raise `BeingReviewed` when another person has this item."""
    row = queue.get(connection, decision_id)
    if row is not None and row.reviewer not in (0, person_id) and row.leased_until >= now:
        raise BeingReviewed(f"{row.reviewer_name} is looking at this picture now. Your verdict was not used.")


@dataclass(frozen=True, slots=True)
class Said:
    """Hold a person's verdict about a picture. `rejection` is a key of `REJECTIONS`, or ""."""

    verdict: Verdict
    person: str
    person_id: int
    rejection: str = ""
    batch: str = ""
    never_again: bool = False
    delete: bool = False


def settle(core: Core, connection: Connection, site: Site, decision: Decision, said: Said) -> int:
    """Make a person's verdict binding, or keep it as the first of two; in the caller's transaction."""
    people = by(said.person)
    category = _category(decision, said)
    if decision.two_people:
        first = _agreeing(connection, decision, said, category, core.now())
        if first is None:
            return decision.id
        people = f"{by(first)} and {said.person}"
    reason = Reason(said.verdict, category, _text(said, people))
    ruling = Ruling(
        decision.job_id,
        decision.media,
        decision.sha256,
        Outcome(said.verdict, (reason,), enforce=said.verdict is Verdict.BLOCK),
        core.now(),
        person=said.person,
        supersedes=decision.id,
        batch=said.batch,
        action=Action.DELETE if said.delete else None,
    )
    resolved = record.store(core, connection, site, ruling)
    if said.verdict is Verdict.ALLOW:
        lists.welcome_back(connection, site.id, decision.sha256)
    elif said.never_again and decision.sha256:
        lists.never_again(connection, site.id, decision.sha256, said.person, core.now())
    return resolved


def _text(said: Said, people: str) -> str:
    word = "Approved" if said.verdict is Verdict.ALLOW else "Rejected, to be deleted," if said.delete else "Rejected"
    why = REJECTIONS.get(said.rejection)
    return f"{word} {people}" + (f": {why.title}" if why else "")


def _category(decision: Decision, said: Said) -> str:
    if said.verdict is not Verdict.BLOCK:
        return ""
    if said.rejection:
        if said.rejection not in REJECTIONS:
            raise SettingsInvalid("There is no such reason.", {"rejection": "is not one of the reasons"})
        return REJECTIONS[said.rejection].category
    found = (reason.category for reason in decision.reasons if reason.category in CATEGORIES)
    return next(found, "")


def _agreeing(connection: Connection, decision: Decision, said: Said, category: str, now: int) -> str | None:
    """Give who said the same before; None when this is kept as an opinion. Two who disagree escalate it."""
    before = queue.opinions_of(connection, decision.id)
    others = [opinion for opinion in before if opinion.person_id != said.person_id]
    agreeing = next((opinion for opinion in others if opinion.verdict is said.verdict), None)
    if agreeing is not None:
        return agreeing.person
    if any(opinion.person_id == said.person_id and opinion.verdict is said.verdict for opinion in before):
        raise SecondPersonNeeded("You said so already. A second person must agree before it counts.")
    queue.add(connection, decision.id, now)
    queue.add_opinion(connection, decision.id, said.person_id, said.person, said.verdict, category, now)
    queue.release(connection, said.person_id, decision.id)
    word = "approve" if said.verdict is Verdict.ALLOW else "reject"
    text = f"{said.person} would {word} it; a second person must agree"
    if others:
        text = f"{said.person} would {word} it, {others[0].person} would not: escalated"
        queue.escalate(connection, decision.id, text)
    audit.add(connection, now, said.person, "opinion.given", text, decision.site_id, decision.media.id)
    return None


def take_back_opinion(core: Core, decision_id: int, person: str, person_id: int) -> bool:
    """Forget what a person said as the first of two; False when there is nothing."""
    with core.db.write() as connection:
        decision = showing.load(connection, decision_id)
        if not queue.drop_opinion(connection, decision_id, person_id):
            return False
        if not queue.opinions_of(connection, decision_id):
            queue.drop(connection, decision_id)
        text = f"{person} took an opinion back"
        audit.add(connection, core.now(), person, "opinion.dropped", text, decision.site_id, decision.media.id)
    return True


def undo(core: Core, decision_id: int, person: str, within: Visibility | None = None) -> int:
    """Put in force again what was before a decision, at the site too; return the decision that says so.

    Where nothing was before, the picture waits for a person. Raise `DecisionStale` when it is no longer in force,
    `UndoImpossible` when the picture is gone or was deleted, `SecondPersonNeeded` when two people hid it. `within` is as for
    `resolve`.
    """
    with core.db.write() as connection:
        decision = showing.load(connection, decision_id)
        permit(connection, decision, within)
        undone = put_back(core, connection, sites.get(core, decision.site_id), decision, person)
    core.wake()
    return undone


def put_back(core: Core, connection: Connection, site: Site, decision: Decision, person: str, batch: str = "") -> int:
    """Undo one decision in the caller's transaction."""
    before = decisions.get(connection, decision.supersedes) if decision.supersedes is not None else None
    _may_be_undone(connection, decision, before)
    outcome = _as_before(decision, before, person)
    same = before is not None and (before.verdict, before.enforce) == (decision.verdict, decision.enforce)
    ruling = Ruling(
        decision.job_id,
        decision.media,
        decision.sha256,
        outcome,
        core.now(),
        person=person,
        supersedes=decision.id,
        batch=batch,
        restored_version=_version(before) if before is not None else _version(decision),
        action=_action_back(core, connection, site, decision, before, outcome),
        silent=same,
    )
    undone = record.store(core, connection, site, ruling)
    if before is not None and before.verdict is Verdict.REVIEW:
        queue.waits_since(connection, undone, before.decided_at)
    if decision.person and decision.verdict is Verdict.BLOCK and outcome.verdict is not Verdict.BLOCK:
        lists.welcome_back(connection, site.id, decision.sha256)
    return undone


def _may_be_undone(connection: Connection, decision: Decision, before: Decision | None) -> None:
    if decisions.successor(connection, decision.id) is not None:
        raise DecisionStale("This was decided again since. Undo the decision that is in force.")
    job = jobs.get(connection, decision.job_id)
    if job is None or job.state is WorkState.GONE:
        raise UndoImpossible("The picture is gone at the site; there is nothing to put back.")
    action = enforcements.of_decisions(connection, [decision.id]).get(decision.id)
    if action is not None and action.action is Action.DELETE and action.attempts:
        raise UndoImpossible("The picture was deleted for good at the site. That cannot be undone.")
    released = decision.verdict is Verdict.BLOCK and (before is None or before.verdict is not Verdict.BLOCK)
    if decision.two_people and released:
        raise SecondPersonNeeded("To show this picture again, approve it; a second person must agree.")


def _as_before(decision: Decision, before: Decision | None, person: str) -> Outcome:
    if before is None:
        text = f"Undone {by(person)}; nothing was decided before, so a person decides"
        found = tuple(reason for reason in decision.reasons if reason.rule != UNDO_RULE)
        return Outcome(Verdict.REVIEW, (*found, Reason(Verdict.REVIEW, "", text, UNDO_RULE)))
    kept = tuple(reason for reason in before.reasons if reason.rule != UNDO_RULE)
    note = Reason(before.verdict, "", f"Decision {decision.id} was undone {by(person)}: as it was before", UNDO_RULE)
    return Outcome(before.verdict, (*kept, note), before.enforce)


def _version(decision: Decision) -> int | None:
    return decision.policy_version if decision.policy_version is not None else decision.restored_version


def _action_back(
    core: Core, connection: Connection, site: Site, decision: Decision, before: Decision | None, outcome: Outcome
) -> Action | None:
    media = decision.media
    hidden = enforcements.hides(connection, site.id, media.id, media.version) is not None
    if outcome.verdict is Verdict.REVIEW and hidden:
        return Action.RESTORE
    by = before.person if before is not None and before.restored_version is None else ""
    return record.wanted_action(core, connection, site, media, outcome, by)
