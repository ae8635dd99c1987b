"""People decide: the queue, approve and reject, the history of an image."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.db import audit, decisions, enforcements, pictures
from app.domain.decisions import Action, Decision, Outcome, Reason, Verdict
from app.domain.errors import DecisionUnknown, SettingsInvalid
from app.services import lists, moderate, sites
from app.services.core import SECOND, Core


def waiting(core: Core, site_id: str = "", limit: int = 50) -> list[Decision]:
    with core.db.read() as connection:
        return decisions.waiting(connection, site_id, limit)


def count_waiting(core: Core, site_id: str = "") -> int:
    with core.db.read() as connection:
        return decisions.count_waiting(connection, site_id)


def get(core: Core, decision_id: int) -> Decision:
    with core.db.read() as connection:
        decision = decisions.get(connection, decision_id)
    if decision is None:
        raise DecisionUnknown(f"There is no decision {decision_id}.")
    return decision


def current(core: Core, decision: Decision) -> Decision:
    """Give the decision that is in force for the same image version now: this one, or what came after it."""
    with core.db.read() as connection:
        return decisions.current(connection, decision.site_id, decision.media.id, decision.media.version) or decision


@dataclass(frozen=True, slots=True)
class Shown:
    """Hold a decision in force with the state of its action, for a list."""

    decision: Decision
    action: str
    state: str
    problem: str


def recent(core: Core, site_id: str = "", verdict: str = "", limit: int = 50, before: int = 0) -> list[Shown]:
    """List decisions in force, newest first."""
    with core.db.read() as connection:
        found = decisions.recent(connection, site_id, verdict, limit, before)
        actions = enforcements.of_decisions(connection, [decision.id for decision in found])
    return [_shown(decision, actions.get(decision.id)) for decision in found]


def _shown(decision: Decision, action: Any) -> Shown:
    return Shown(decision, action.action, action.state, action.problem) if action is not None else Shown(decision, "", "", "")


def resolve(
    core: Core, decision_id: int, verdict: Verdict, person: str, *, never_again: bool = False, delete: bool = False
) -> int:
    """Supersede a decision with a person's: it binds for these bytes from now on. Raise `DecisionStale` after another.

    `delete` removes a rejected picture for good, where the site's settings offer that; else `SettingsInvalid` is raised.
    """
    now = core.now()
    with core.db.write() as connection:
        decision = decisions.get(connection, decision_id)
        if decision is None:
            raise DecisionUnknown(f"There is no decision {decision_id}.")
        site = sites.get(core, decision.site_id)
        if delete and not (site.settings.delete_blocked and verdict is Verdict.BLOCK):
            raise SettingsInvalid("Deleting is switched off in this site's settings.")
        said = "Approved" if verdict is Verdict.ALLOW else "Rejected, to be deleted," if delete else "Rejected"
        resolved = moderate.record(
            core,
            connection,
            site,
            job_id=decision.job_id,
            media=decision.media,
            sha256=decision.sha256,
            outcome=Outcome(verdict, (Reason(verdict, "", f"{said} by {person}"),), enforce=verdict is Verdict.BLOCK),
            person=person,
            policy_version=None,
            supersedes=decision.id,
            now=now,
            action=Action.DELETE if delete else None,
        )
        if verdict is Verdict.ALLOW:
            lists.welcome_back(connection, site.id, decision.sha256)
        elif never_again and decision.sha256:
            lists.never_again(connection, site.id, decision.sha256, person, now)
    core.wake()
    return resolved


def preview(core: Core, decision_id: int, person: str, *, clear: bool) -> bytes | None:
    """Give a decision's preview as WebP bytes; a clear look is written to the audit trail. None when there is none."""
    decision = get(core, decision_id)
    with core.db.read() as connection:
        row = pictures.preview(connection, decision.site_id, decision.sha256)
    if row is None:
        return None
    if clear:
        with core.db.write() as connection:
            audit.add(
                connection,
                core.now(),
                person,
                "preview.revealed",
                "Looked at the clear picture",
                decision.site_id,
                decision.media.id,
            )
    return core.vault.open(row.clear if clear else row.blurred)


def history(core: Core, site_id: str, media_id: str) -> list[dict[str, str]]:
    """Tell an image's story, newest first: when (ISO 8601), who, what."""
    with core.db.read() as connection:
        decided = decisions.history(connection, site_id, media_id)
        trail = audit.of_media(connection, site_id, media_id)
    entries: list[tuple[int, str, str]] = [(row.at, row.actor, row.text) for row in trail]
    for decision in decided:
        who = decision.person or f"policy v{decision.policy_version}"
        why = "; ".join(reason_text(reason) for reason in decision.reasons) or "nothing found"
        entries.append((decision.decided_at, who, f"{decision.verdict}: {why}"))
    entries.sort(key=lambda entry: entry[0], reverse=True)
    return [{"at": _iso(at), "who": who, "text": text} for at, who, text in entries]


def reason_text(reason: Reason) -> str:
    """Say a reason as people read it, shadow marked."""
    return f"{reason.text} [shadow: only recorded]" if reason.mode == "shadow" else reason.text


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / SECOND, UTC).isoformat(timespec="seconds")
