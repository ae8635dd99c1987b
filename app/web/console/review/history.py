"""Every step that was taken, and files of the history to take away."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response, jsonify, render_template, request

from app.domain.roles import Right
from app.domain.time import utc
from app.services.people import access
from app.services.review import history, statements
from app.services.review.history import StepFilters
from app.services.sites import sites
from app.web.console.guard import needs, own_decision, person, room, visibility
from app.web.console.review.decisions import day, filters_asked
from app.web.console.sites.choosing import asked_site, choice
from app.web.security import core, number

PAGE = 100


@room.get("/history")
@needs(Right.SEE)
def steps() -> str:
    """List what people, policies, workers and platforms did, newest first."""
    asked = request.args
    site_id = asked_site()
    filters = StepFilters(
        site=site_id,
        actor=asked.get("person", "")[:200],
        action=asked.get("action", "")[:80],
        about=asked.get("q", "").strip()[:400],
        since=day(asked.get("since", "")),
        until=day(asked.get("until", ""), days=1),
    )
    before = number(asked.get("before", ""))
    found, following = history.steps(core(), visibility(site_id), filters, before, PAGE)
    kept = {name: value for name, value in asked.items() if value and name not in ("before", "said")}
    return render_template(
        "review/history.html",
        steps=found,
        following=following,
        filters=filters,
        asked=kept,
        before=before,
        names=sites.names(core(), {step.site_id for step in found}),
        choice=choice(site_id),
    )


@room.get("/decisions/export.csv")
@needs(Right.EXPORT)
def export_csv() -> Response:
    """Send the decisions that the filters choose as CSV."""
    filters = filters_asked()
    pieces = history.export_csv(core(), visibility(filters.site), filters)
    access.exported(core(), person().name, "decisions as CSV", filters.site)
    return _file(pieces, "csv", "text/csv; charset=utf-8; header=present")


@room.get("/decisions/export.json")
@needs(Right.EXPORT)
def export_json() -> Response:
    """Send the decisions that the filters choose as JSON."""
    filters = filters_asked()
    pieces = history.export_json(core(), visibility(filters.site), filters)
    access.exported(core(), person().name, "decisions as JSON", filters.site)
    return _file(pieces, "json", "application/json")


def _file(pieces: Iterator[str], ending: str, mime: str) -> Response:
    # What the pieces need was read from the request: they are made while they are sent, after it has ended.
    name = utc(core().now()).strftime(f"picward-decisions-%Y-%m-%d.{ending}")
    return Response(pieces, content_type=mime, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@room.get("/decisions/<int:decision_id>/statement.json")
@needs(Right.EXPORT)
def statement_json(decision_id: int) -> Response:
    """Send the statement of reasons with the field names of the EU's transparency database."""
    found = own_decision(decision_id)
    access.exported(core(), person().name, f"the statement of reasons of decision {decision_id}", found.site_id)
    return jsonify(statements.statement(core(), found, sites.get(core(), found.site_id).name))
