"""The statement of reasons for a restriction, as Article 17 of the EU's Digital Services Act asks for it.

Field names and values are those of the Commission's transparency database, so that a marketplace can send it there. It
says what Picward knows; whether the Act applies to a shop, and what its terms say, only its owner knows.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from app.db import decisions, enforcements, jobs
from app.db.enforcements import EnforcementRow
from app.domain.decisions import Action, Decision, Verdict
from app.domain.errors import DecisionUnknown
from app.domain.media import name_of
from app.domain.policy import RuleMode
from app.domain.statements import (
    EXPLANATION_CHARACTERS,
    FACTS_CHARACTERS,
    GROUND_CHARACTERS,
    GROUNDS,
    PUID_CHARACTERS,
    SYNTHETIC,
    Ground,
)
from app.domain.taxonomy import CATEGORIES
from app.domain.time import utc
from app.services.core import Core

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""The first day that the database takes as `content_date`."""

_OTHER = Ground("OTHER_VIOLATION_TC", ("OTHER",))


def statement(core: Core, decision: Decision, site_name: str) -> dict[str, Any]:
    """Make the statement for a decision that restricts. Raise `DecisionUnknown` for one that does not."""
    if decision.verdict is not Verdict.BLOCK or not decision.enforce:
        raise DecisionUnknown("This decision restricts nothing, so there is no statement of reasons.")
    with core.db.read() as connection:
        action = enforcements.of_decisions(connection, [decision.id]).get(decision.id)
        job = jobs.get(connection, decision.job_id)
        found = _found(connection, decision)
    category = _category(decision, found)
    ground = GROUNDS.get(category, _OTHER)
    title = CATEGORIES[category].title if category in CATEGORIES else "The site's rules for pictures"
    synthetic = any(reason.category in SYNTHETIC for reason in found.reasons)
    made: dict[str, Any] = {
        "decision_visibility": [_visibility(action)],
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": f"{site_name}: {title}"[:GROUND_CHARACTERS],
        "incompatible_content_explanation": _explanation(decision, found, title)[:EXPLANATION_CHARACTERS],
        "content_type": ["CONTENT_TYPE_IMAGE", *(["CONTENT_TYPE_SYNTHETIC_MEDIA"] if synthetic else [])],
        "category": f"STATEMENT_CATEGORY_{ground.category}",
        "category_specification": [f"KEYWORD_{keyword}" for keyword in ground.keywords],
        "content_date": _day(job.created_at if job is not None else decision.decided_at),
        "application_date": _day(action.ended_at if action is not None and action.ended_at else decision.decided_at),
        "decision_facts": _facts(decision, found)[:FACTS_CHARACTERS],
        "source_type": "SOURCE_VOLUNTARY",
        "automated_detection": "Yes" if found.policy_version is not None and found.reasons else "No",
        "automated_decision": _automated(decision, found),
        "puid": puid(decision),
    }
    return {name: value for name, value in made.items() if value != []}


def puid(decision: Decision) -> str:
    """Make the identifier that is unique on a platform: of the site and the decision, of allowed characters only."""
    return re.sub(r"[^a-zA-Z0-9_-]", "-", f"{decision.site_id}-{decision.id}")[:PUID_CHARACTERS]


def _found(connection: Connection, decision: Decision) -> Decision:
    """Give the decision that says what was found: the policy's, when a person's came after it."""
    found = decision
    for _ in range(10):
        if not found.person or found.supersedes is None:
            return found
        before = decisions.get(connection, found.supersedes)
        if before is None:
            return found
        found = before
    return found


def _category(decision: Decision, found: Decision) -> str:
    for reason in (*decision.reasons, *found.reasons):
        if reason.category and reason.verdict is not Verdict.ALLOW:
            return reason.category
    return ""


def _visibility(action: EnforcementRow | None) -> str:
    kinds = {Action.DELETE: "CONTENT_REMOVED", Action.HIDE: "CONTENT_DISABLED", Action.LABEL: "CONTENT_LABELLED"}
    return "DECISION_VISIBILITY_" + (kinds.get(action.action, "CONTENT_DISABLED") if action else "CONTENT_DISABLED")


def _automated(decision: Decision, found: Decision) -> str:
    if not decision.person:
        return "AUTOMATED_DECISION_FULLY"
    return "AUTOMATED_DECISION_PARTIALLY" if found.policy_version is not None else "AUTOMATED_DECISION_NOT_AUTOMATED"


def _explanation(decision: Decision, found: Decision, title: str) -> str:
    by = "A person looked at the picture and rejected it." if decision.person else "The site's rules block it without a person."
    return f"The picture falls under “{title}”, which the site's rules do not allow. {by}"


def _facts(decision: Decision, found: Decision) -> str:
    lines = [f"Picture: {name_of(decision.media)}."]
    seen = [reason for reason in found.reasons if reason.verdict is not Verdict.ALLOW and reason.mode != RuleMode.SHADOW]
    if found.policy_version is not None:
        lines.append(f"Version {found.policy_version} of the site's rules compared automatic findings with thresholds:")
    lines += [f"- {reason.text}." for reason in seen]
    if decision.person:
        # The receiver learns that a person decided, and not who: reviewers are not to be found by those they decide about.
        why = next((CATEGORIES[r.category].title for r in decision.reasons if r.category in CATEGORIES), "")
        lines.append("A reviewer looked at the picture and rejected it" + (f": {why}." if why else "."))
    return "\n".join(lines)


def _day(at: int) -> str:
    return max(utc(at), EARLIEST).strftime("%Y-%m-%d")
