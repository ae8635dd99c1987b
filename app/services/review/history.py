"""What was decided and done: looked for by filters, page by page, and taken away as files."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from app.db import history as rows
from app.db.history import Filters as Filters
from app.db.history import StepFilters as StepFilters
from app.domain.decisions import Decision
from app.domain.media import name_of
from app.domain.time import iso
from app.domain.visibility import Visibility
from app.services.core import Core
from app.services.review import showing
from app.services.review.showing import Shown
from app.services.sites import sites

EXPORTED_AT_ONCE = 500
"""Decisions that an export holds in memory: it is sent as it is read."""

PEOPLE = 200
"""Names that the filter offers, at most."""

COLUMNS = (
    "decision", "site", "picture", "name", "belongs_to", "verdict", "category", "reasons", "decided_by", "policy_version",
    "decided_at", "replaces", "batch", "action", "action_state", "action_problem", "sha256",
)  # fmt: skip
"""What an export says about a decision, in this order."""

_FORMULA = re.compile(r"[\s\x00-\x1f\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
"""What a spreadsheet takes for the beginning of a formula, also behind blanks, and in full width."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of decisions, and the id to continue from, 0 at the end. `many` says that a search found too many."""

    shown: tuple[Shown, ...]
    before: int
    many: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the audit trail."""

    id: int
    at: int
    site_id: str
    actor: str
    action: str
    media_id: str
    text: str


def page(core: Core, visibility: Visibility, filters: Filters, before: int, limit: int) -> Page:
    """List decisions, newest first. A page may be short and still go on: each looks at a bounded number of rows."""
    with core.db.read() as connection:
        found = rows.page(connection, visibility, filters, before, limit)
        return Page(tuple(showing.with_actions(connection, found.decisions)), found.before, found.many)


def steps(core: Core, visibility: Visibility, filters: StepFilters, before: int, limit: int) -> tuple[list[Step], int]:
    """List steps, newest first, and the id to go on from, 0 at the end."""
    with core.db.read() as connection:
        found, following = rows.steps(connection, visibility, filters, before, limit)
    told = ((row, sites.line_for(visibility.side, row.action, row.text)) for row in found)
    return [Step(row.id, row.at, row.site_id, row.actor, row.action, row.media_id, text) for row, text in told], following


def people(core: Core, of: Collection[str] | None = None) -> list[str]:
    """List those who decided anything, or anything lately on these sites: names of others say who else is a customer here."""
    with core.db.read() as connection:
        return rows.people(connection, PEOPLE) if of is None else rows.people_of(connection, of, PEOPLE)


def export_json(core: Core, visibility: Visibility, filters: Filters) -> Iterator[str]:
    """Write the decisions that the filters choose as a JSON array, piece by piece."""
    between = "[\n"
    for one in _exported(core, visibility, filters):
        yield between + json.dumps(_record(one), ensure_ascii=False)
        between = ",\n"
    yield "\n]\n" if between != "[\n" else "[]\n"


def export_csv(core: Core, visibility: Visibility, filters: Filters) -> Iterator[str]:
    """Write the decisions that the filters choose as CSV (RFC 4180), piece by piece, with a header."""
    yield _line(COLUMNS)
    for one in _exported(core, visibility, filters):
        yield _line([_cell(value) for value in _record(one).values()])


def _exported(core: Core, visibility: Visibility, filters: Filters) -> Iterator[Shown]:
    before = 0
    while True:
        found = page(core, visibility, filters, before, EXPORTED_AT_ONCE)
        yield from found.shown
        before = found.before
        if not before:
            return


def _record(shown: Shown) -> dict[str, Any]:
    one = shown.decision
    reasons = [showing.reason_text(reason) for reason in one.reasons]
    values = (
        one.id, one.site_id, one.media.id, name_of(one.media), one.media.parent, one.verdict.value, _category(one), reasons,
        decided_by(one), one.policy_version, iso(one.decided_at), one.supersedes, one.batch, shown.action, shown.state,
        shown.problem, one.sha256,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _category(decision: Decision) -> str:
    return decision.reasons[0].category if decision.reasons else ""


def decided_by(decision: Decision) -> str:
    """Name who decided: a person, or a version of the policy."""
    if decision.person:
        return decision.person
    return f"policy v{decision.policy_version}" if decision.policy_version is not None else "Picward"


def _cell(value: Any) -> str:
    """Write a value so that no spreadsheet takes it for a formula (OWASP, “CSV Injection”)."""
    text = "" if value is None else "; ".join(value) if isinstance(value, list) else str(value)
    return "'" + text if _FORMULA.match(text) else text


def _line(cells: Any) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
