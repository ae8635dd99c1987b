"""The review queue, and the verdicts of people."""

from __future__ import annotations

from flask import Response as Answered
from flask import abort, current_app, render_template, request, url_for
from flask import redirect as go
from werkzeug.wrappers import Response

from app.domain.decisions import Decision, Verdict
from app.domain.errors import DecisionStale, DecisionUnknown, FormForged, SiteUnknown
from app.services import review, sites
from app.web.console.guard import ours, person, room
from app.web.security import core

PAGE = 50


def site_names() -> dict[str, str]:
    return {row.id: row.name for row in sites.listing(core())}


@room.get("/review")
def review_queue() -> str:
    """Show what waits for a person: most severe first, then oldest."""
    site_id = request.args.get("site", "")
    if site_id:
        sites.get(core(), site_id)
    names = site_names()
    waiting = [decision for decision in review.waiting(core(), site_id, PAGE) if decision.site_id in names]
    at = request.args.get("at", type=int)
    done = _known(request.args.get("done", 0, type=int))
    return render_template(
        "review.html",
        waiting=waiting,
        total=review.count_waiting(core(), site_id),
        names=names,
        site_id=site_id,
        at=at if at in {decision.id for decision in waiting} else None,
        done=done if done and done.person else None,
        stale=_known(request.args.get("stale", 0, type=int)),
    )


def _known(decision_id: int) -> Decision | None:
    try:
        return known(decision_id) if decision_id else None
    except (DecisionUnknown, SiteUnknown):
        return None


def known(decision_id: int) -> Decision:
    """Give a decision of a site that is still connected. Raise `DecisionUnknown` or `SiteUnknown`."""
    decision = review.get(core(), decision_id)
    sites.get(core(), decision.site_id)
    return decision


@room.post("/decisions/<int:decision_id>/verdict")
def give_verdict(decision_id: int) -> Response:
    """Let a person supersede a decision, whoever made it; then go on to the next one, or back to this picture."""
    try:
        verdict = Verdict(request.form.get("verdict", ""))
    except ValueError:
        abort(400, "A verdict is “allow” or “block”.")
    if verdict is Verdict.REVIEW:
        abort(400, "A person's verdict is “allow” or “block”.")
    known(decision_id)
    in_queue = request.form.get("back") == "review"
    site_id = request.form.get("site") or None
    following = request.form.get("next", type=int)
    anchor = f"d{following}" if following else None
    try:
        resolved = review.resolve(
            core(),
            decision_id,
            verdict,
            person().name,
            never_again="never_again" in request.form and verdict is Verdict.BLOCK,
            delete="delete" in request.form,
        )
    except DecisionStale:
        if in_queue:
            return go(url_for("console.review_queue", site=site_id, at=following, stale=decision_id, _anchor=anchor), 303)
        return go(url_for("console.decision", decision_id=decision_id, stale=1), 303)
    if in_queue:
        return go(url_for("console.review_queue", site=site_id, at=following, done=resolved, _anchor=anchor), 303)
    return go(url_for("console.decision", decision_id=resolved, done=1), 303)


@room.get("/decisions/<int:decision_id>/preview")
def preview(decision_id: int) -> Answered:
    """Send the blurred picture; the clear one only to one of our own pages, and never unlogged."""
    clear = "clear" in request.args
    if clear and not ours(request, proven=True):
        raise FormForged("The clear picture is shown on Picward's own pages only.")
    decision = known(decision_id)
    picture = review.preview(core(), decision.id, person().name, clear=clear)
    if picture is None:
        nothing = current_app.send_static_file("no-preview.svg")
        nothing.status_code = 404
        nothing.headers["Cache-Control"] = "no-store"
        return nothing
    return Answered(picture, mimetype="image/webp")
