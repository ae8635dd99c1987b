"""Decisions in force, and one decision with the story of its image."""

from __future__ import annotations

from flask import render_template, request

from app.domain.decisions import Action, Verdict
from app.services import review, sites
from app.web.console import words
from app.web.console.guard import person, room
from app.web.console.review import known, site_names
from app.web.security import core

PAGE = 50


@room.get("/decisions")
def decision_list() -> str:
    """List decisions in force, newest first."""
    site_id = request.args.get("site", "")
    if site_id:
        sites.get(core(), site_id)
    verdict = request.args.get("verdict", "")
    verdict = verdict if verdict in set(Verdict) else ""
    before = max(request.args.get("before", 0, type=int), 0)
    names = site_names()
    found = review.recent(core(), site_id, verdict, PAGE, before)
    return render_template(
        "decisions.html",
        shown=[item for item in found if item.decision.site_id in names],
        names=names,
        site_id=site_id,
        chosen=verdict,
        verdicts=words.VERDICTS,
        before=before,
        older=found[-1].decision.id if len(found) == PAGE else 0,
    )


@room.get("/decisions/<int:decision_id>")
def decision(decision_id: int) -> str:
    return _page(decision_id, revealed=False)


@room.post("/decisions/<int:decision_id>/reveal")
def reveal(decision_id: int) -> str:
    """Show the page with the clear picture, for browsers without JavaScript."""
    return _page(decision_id, revealed=True)


def _page(decision_id: int, *, revealed: bool) -> str:
    found = known(decision_id)
    current = review.current(core(), found)
    site = sites.get(core(), found.site_id)
    restricted = words.restricted(found.reasons)
    has_preview = not restricted and review.preview(core(), found.id, person().name, clear=False) is not None
    in_force = review.recent(core(), found.site_id, before=found.id + 1, limit=1)
    return render_template(
        "decision.html",
        decision=found,
        current=current,
        site=site,
        deletes=site.settings.delete_blocked and Action.DELETE in core().platform(site.platform).actions,
        has_preview=has_preview,
        restricted=restricted,
        revealed=revealed and has_preview,
        regions=[reason for reason in found.reasons if reason.region is not None],
        action=next((item for item in in_force if item.decision.id == found.id), None),
        history=review.history(core(), found.site_id, found.media.id),
        done="done" in request.args,
        stale="stale" in request.args,
    )
