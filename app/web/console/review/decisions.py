"""Decisions as people look for them, and one decision with the story of its image."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import redirect as go
from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from app.domain.decisions import Action, Verdict
from app.domain.jobs import WorkState
from app.domain.rejections import REJECTIONS
from app.domain.roles import Right
from app.domain.taxonomy import CATEGORIES
from app.domain.time import DAY, since_epoch
from app.services.review import history, queue, showing, statements, verdicts
from app.services.review.history import Filters
from app.services.sites import sites
from app.web.console import words
from app.web.console.guard import needs, own_decision, person, room, seen_sites, visibility
from app.web.console.sites.choosing import asked_site, choice
from app.web.console.words import Said
from app.web.security import core, number

PAGE = 50

STATES = (WorkState.DONE, WorkState.DUE, WorkState.BUSY, WorkState.PARKED, WorkState.DRIFTED, WorkState.GONE)
"""The states of an action that the filter offers."""


@room.get("/decisions")
@needs(Right.SEE)
def decision_list() -> str:
    """List decisions, newest first."""
    filters, before = filters_asked(), number(request.args.get("before", ""))
    found = history.page(core(), visibility(filters.site), filters, before, PAGE)
    asked = {name: value for name, value in request.args.items() if value and name not in ("before", "said")}
    return render_template(
        "review/decisions.html",
        found=found,
        filters=filters,
        asked=asked,
        before=before,
        names=sites.names(core(), {item.decision.site_id for item in found.shown}),
        choice=choice(filters.site),
        verdicts=words.VERDICTS,
        states=STATES,
        categories=sorted(CATEGORIES),
        people=history.people(core(), seen_sites()),
        exports=person().may(Right.EXPORT),
    )


def filters_asked() -> Filters:
    """Read the filters of the address; what is none of them is left out."""
    asked = request.args
    verdict, category, state = asked.get("verdict", ""), asked.get("category", ""), asked.get("state", "")
    return Filters(
        site=asked_site(),
        verdict=verdict if verdict in set(Verdict) else "",
        category=category if category in CATEGORIES else "",
        person=asked.get("person", "")[:200],
        policy=number(asked.get("policy", "")) or None,
        state=state if state in STATES else "",
        since=day(asked.get("since", "")),
        until=day(asked.get("until", ""), days=1),
        search=asked.get("q", "").strip()[:400],
        batch=asked.get("batch", "")[:32],
        replaced="replaced" in asked,
    )


def day(text: str, days: int = 0) -> int:
    """Read a day (ISO 8601, UTC) as microseconds, so many days later; 0 for anything else."""
    try:
        return since_epoch(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)) + days * DAY
    except ValueError:
        return 0


@room.get("/decisions/<int:decision_id>")
@needs(Right.SEE)
def decision(decision_id: int) -> str:
    return _page(decision_id, revealed=False)


@room.post("/decisions/<int:decision_id>/reveal")
@needs(Right.REVIEW)
def reveal(decision_id: int) -> str:
    """Show the page with the clear picture, for browsers without JavaScript."""
    return _page(decision_id, revealed=True)


@room.post("/decisions/<int:decision_id>/undo")
@needs(Right.REVIEW)
def decision_undo(decision_id: int) -> Response:
    """Put in force again what was before a decision."""
    undone = verdicts.undo(core(), own_decision(decision_id).id, person().name, visibility())
    return go(url_for("console.decision", decision_id=undone, said=Said.UNDONE), 303)


def _page(decision_id: int, *, revealed: bool) -> str:
    found = own_decision(decision_id)
    current = showing.current(core(), found)
    site = sites.get(core(), found.site_id)
    has_preview = showing.has_preview(core(), found)
    waits = {item.decision.id: item for item in queue.items(core(), visibility(), [found.id])}
    return render_template(
        "review/decision.html",
        decision=found,
        current=current,
        site=site,
        item=waits.get(found.id),
        may_decide=current.id == found.id and person().may(Right.REVIEW) and not queue.is_beyond(core(), visibility(), found.id),
        deletes=site.settings.delete_blocked and Action.DELETE in core().platform(site.platform).actions,
        has_preview=has_preview,
        restricted=found.restricted,
        revealed=revealed and has_preview,
        regions=[reason for reason in found.reasons if reason.region is not None],
        action=showing.action_of(core(), found),
        restricts=found.verdict is Verdict.BLOCK and found.enforce,
        rejections=REJECTIONS.values(),
        history=showing.history(core(), found.site_id, found.media.id, restricted=visibility().restricted),
        done="done" in request.args,
        waits="waits" in request.args,
        stale="stale" in request.args,
    )


@room.get("/decisions/<int:decision_id>/statement")
@needs(Right.SEE)
def statement(decision_id: int) -> str:
    """Show the statement of reasons to read."""
    found = own_decision(decision_id)
    site = sites.get(core(), found.site_id)
    made = statements.statement(core(), found, site.name)
    return render_template("review/statement.html", decision=found, site=site, statement=made)
