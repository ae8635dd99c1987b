"""What pages show of decisions: lists, an image's story, its preview."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from app.db import audit, decisions, enforcements, pictures, queue, tallies
from app.db import history as history_rows
from app.db.enforcements import EnforcementRow
from app.domain.decisions import Decision, Reason
from app.domain.errors import DecisionUnknown
from app.domain.policy import RuleMode
from app.domain.statistics import Tally
from app.domain.time import iso
from app.domain.visibility import Visibility
from app.services.core import Core


def waiting(core: Core, site_id: str = "", limit: int = 50) -> list[Decision]:
    """List what waits for any reviewer, most severe first; of every connected site unless one is named."""
    visibility = Visibility((site_id,) if site_id else None)
    with core.db.read() as connection:
        return decisions.waiting(connection, visibility, queue.Order.SEVEREST, (), limit)


def count_waiting(core: Core, site_id: str = "") -> int:
    """Count what `waiting` lists."""
    visibility = Visibility((site_id,) if site_id else None)
    with core.db.read() as connection:
        return queue.count(connection, visibility)


def get(core: Core, decision_id: int) -> Decision:
    with core.db.read() as connection:
        return load(connection, decision_id)


def load(connection: Connection, decision_id: int) -> Decision:
    decision = decisions.get(connection, decision_id)
    if decision is None:
        raise DecisionUnknown(f"There is no decision {decision_id}.")
    return decision


def current(core: Core, decision: Decision) -> Decision:
    """Find the decision that is now in force for the same image version: this one, or what came after it."""
    with core.db.read() as connection:
        return decisions.current(connection, decision.site_id, decision.media.id, decision.media.version) or decision


def newest(core: Core, site_id: str, media_id: str) -> Decision | None:
    """Find the last decision about an image, whichever version it was; its rights are those of the picture."""
    with core.db.read() as connection:
        return next(iter(decisions.history(connection, site_id, media_id)), None)


@dataclass(frozen=True, slots=True)
class Shown:
    """A decision with the state of its action, for a list."""

    decision: Decision
    action: str
    state: str
    problem: str


def recent(
    core: Core, site_id: str = "", verdict: str = "", limit: int = 50, before: int = 0, *, restricted: bool = False
) -> list[Shown]:
    """List decisions in force, newest first; those that only a few may see are left out unless `restricted`."""
    with core.db.read() as connection:
        return with_actions(connection, decisions.recent(connection, site_id, verdict, limit, before, restricted=restricted))


def with_actions(connection: Connection, found: Iterable[Decision]) -> list[Shown]:
    """Pair decisions with what became of their actions."""
    found = list(found)
    actions = enforcements.of_decisions(connection, [decision.id for decision in found])
    return [_shown(decision, actions.get(decision.id)) for decision in found]


def _shown(decision: Decision, action: EnforcementRow | None) -> Shown:
    return Shown(decision, action.action, action.state, action.problem) if action is not None else Shown(decision, "", "", "")


def action_of(core: Core, decision: Decision) -> Shown:
    """Pair a decision with what became of its action."""
    with core.db.read() as connection:
        return with_actions(connection, [decision])[0]


def preview(core: Core, decision_id: int, person: str, *, clear: bool, part: bool = False) -> bytes | None:
    """Read a decision's preview as WebP bytes, None without one; a clear look is written to the audit trail.

    With `part` a clear look is at the region that scored only. What is restricted is never shown to anyone.
    """
    decision = get(core, decision_id)
    if decision.restricted:
        return None
    with core.db.read() as connection:
        row = pictures.preview(connection, decision.site_id, decision.sha256)
    if row is None:
        return None
    if not clear:
        return core.vault.open(row.blurred)
    shown = core.vault.open(row.clear)
    region = next((reason.region for reason in decision.reasons if reason.region is not None), None) if part else None
    text = "Looked at the clear picture"
    if region is not None:
        shown, text = core.crop_preview(shown, region), "Looked at the part that scored"
    with core.db.write() as connection:
        audit.add(connection, core.now(), person, "preview.revealed", text, decision.site_id, decision.media.id)
        tallies.count(connection, decision.site_id, core.now(), Tally.EXPOSED)
    return shown


def has_preview(core: Core, decision: Decision) -> bool:
    if decision.restricted or not decision.sha256:
        return False
    with core.db.read() as connection:
        return pictures.has_preview(connection, decision.site_id, decision.sha256)


def history(core: Core, site_id: str, media_id: str, *, restricted: bool = False) -> list[dict[str, str]]:
    """Tell an image's story, newest first: when (ISO 8601), who, what; nothing of a restricted one unless that is allowed."""
    with core.db.read() as connection:
        if not restricted and history_rows.is_restricted(connection, site_id, media_id):
            return []
        decided = decisions.history(connection, site_id, media_id)
        trail = audit.of_media(connection, site_id, media_id)
    entries: list[tuple[int, str, str]] = [(row.at, row.actor, row.text) for row in trail]
    for decision in decided:
        who = decision.person or (f"policy v{decision.policy_version}" if decision.policy_version is not None else "Picward")
        why = "; ".join(reason_text(reason) for reason in decision.reasons) or "nothing found"
        entries.append((decision.decided_at, who, f"{decision.verdict}: {why}"))
    entries.sort(key=lambda entry: entry[0], reverse=True)
    return [{"at": iso(at), "who": who, "text": text} for at, who, text in entries]


def reason_text(reason: Reason) -> str:
    """Word a reason as people read it, with shadow marked."""
    return f"{reason.text} [shadow: only recorded]" if reason.mode == RuleMode.SHADOW else reason.text
