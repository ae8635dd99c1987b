"""The review queue: one picture at a time, or as a list; and the verdicts of people."""

from __future__ import annotations

from typing import Any

from flask import Response as Answered
from flask import abort, current_app, render_template, request, url_for
from flask import redirect as go
from werkzeug.wrappers import Response

from app.domain.decisions import Decision, Verdict
from app.domain.errors import BeingReviewed, DecisionStale, DecisionUnknown, FormForged
from app.domain.rejections import REJECTIONS
from app.domain.roles import Right
from app.services.review import batches, keys, queue, showing, verdicts
from app.services.review.queue import Item, Order
from app.services.sites import sites
from app.web.console.guard import needs, ours, own_decision, person, room, visibility
from app.web.console.review.lately import Act, forget_lately, lately, remember
from app.web.console.sites.choosing import asked_site, choice
from app.web.console.words import Said
from app.web.security import core, number
from app.web.texts import _, lazy

PAGE = 24
"""Pictures in one page of the list: what fits on two screens."""

ORDERS = {Order.SEVEREST: lazy("Most severe first"), Order.OLDEST: lazy("Oldest first")}


@room.get("/review")
@needs(Right.REVIEW)
def review_queue() -> str:
    """Show the next picture, for this reviewer alone for a while."""
    site_id = asked_site()
    found = queue.take_next(core(), visibility(site_id), person().id, person().name)
    if found is None:
        skipped = queue.skipped(core(), visibility(site_id), person().id)
        return render_template("review/empty.html", skipped=skipped, keys=keys.of(core(), person().id), **_around(site_id))
    return _focus(found, site_id)


@room.get("/review/<int:decision_id>")
@needs(Right.REVIEW)
def review_item(decision_id: int) -> str | Response:
    """Show one picture that waits, taking it unless another person has it."""
    return _one(decision_id, revealed=False)


@room.post("/review/<int:decision_id>")
@needs(Right.REVIEW)
def review_reveal(decision_id: int) -> str | Response:
    """Show the page with the clear picture, for browsers without JavaScript; or take it over from another person."""
    return _one(decision_id, revealed="take_over" not in request.form)


def _one(decision_id: int, *, revealed: bool) -> str | Response:
    decision = own_decision(decision_id)
    if not queue.items(core(), visibility(), [decision.id]):
        return go(url_for("console.decision", decision_id=decision.id), 303)
    try:
        found = queue.take(core(), decision.id, person().id, person().name, take_over="take_over" in request.form)
    except BeingReviewed:
        held = queue.items(core(), visibility(), [decision.id])[0]
        return render_template("review/held.html", item=held, **_around(""))
    return _focus(found, asked_site(), revealed=revealed)


def _focus(item: Item, site_id: str, *, revealed: bool = False) -> str:
    decision = item.decision
    seen = visibility()
    return render_template(
        "review/item.html",
        item=item,
        decision=decision,
        names=sites.names(core(), [decision.site_id]),
        regions=[reason for reason in decision.reasons if reason.region is not None],
        has_preview=showing.has_preview(core(), decision),
        revealed=revealed,
        beside=queue.beside(core(), decision, seen),
        alike=queue.alike(core(), decision, seen),
        history=showing.history(core(), decision.site_id, decision.media.id, restricted=visibility().restricted)[:12],
        rejections=REJECTIONS.values(),
        keys=keys.of(core(), person().id),
        actions=keys.ACTIONS,
        **_around(site_id),
    )


def _around(site_id: str) -> dict[str, object]:
    return {
        "choice": choice(site_id),
        "site_id": site_id,
        "total": queue.count(core(), visibility(site_id)),
        "orders": ORDERS,
        "order": queue.order_of(core(), person().id),
        "done": lately(core(), person()),
        "stale": _known(number(request.args.get("stale", ""))),
    }


def _known(decision_id: int) -> Decision | None:
    try:
        return own_decision(decision_id) if decision_id else None
    except DecisionUnknown:
        return None


@room.get("/review/list")
@needs(Right.REVIEW)
def review_list() -> str:
    """Show what waits as a list, with who looks at what."""
    site_id = asked_site()
    order = queue.order_of(core(), person().id)
    after = _place(request.args.get("after", ""))
    found = queue.listing(core(), visibility(site_id), order, after, PAGE + 1)
    return render_template(
        "review/list.html",
        items=found[:PAGE],
        names=sites.names(core(), {item.decision.site_id for item in found}),
        following="-".join(map(str, found[PAGE - 1].place)) if len(found) > PAGE else "",
        after=after,
        rejections=REJECTIONS.values(),
        keys=keys.of(core(), person().id),
        actions=keys.ACTIONS,
        **_around(site_id),
    )


def _place(text: str) -> tuple[int, ...]:
    parts = text.split("-")
    expected = 3 if queue.order_of(core(), person().id) is Order.SEVEREST else 2
    fits = len(parts) == expected and all(number(part, -1) >= 0 for part in parts)
    return tuple(number(part) for part in parts) if fits else ()


@room.post("/review/order")
@needs(Right.REVIEW)
def review_order() -> Response:
    """Remember the order that this person wants."""
    wanted = request.form.get("order", "")
    if wanted not in set(Order):
        abort(400, _("There is no such order."))
    queue.choose_order(core(), person().id, Order(wanted))
    return _back()


@room.post("/review/again")
@needs(Right.REVIEW)
def review_again() -> Response:
    """Bring back what this person skipped."""
    queue.look_again(core(), person().id)
    return _back()


def _back(**more: Any) -> Response:
    """Redirect to the next picture, or back to the list that the form was sent from."""
    site_id = request.form.get("site") or None
    endpoint = "console.review_list" if request.form.get("back") == "list" else "console.review_queue"
    return go(url_for(endpoint, site=site_id, after=request.form.get("after") or None, **more), 303)


@room.post("/review/<int:decision_id>/keep")
@needs(Right.REVIEW)
def review_keep(decision_id: int) -> Response:
    """Extend the lease on a picture that somebody is at work on; 409 when another has it meanwhile."""
    decision = own_decision(decision_id)
    kept = queue.keep(core(), decision.id, person().id, person().name)
    return Answered(status=204 if kept else 409)


@room.post("/review/<int:decision_id>/skip")
@needs(Right.REVIEW)
def review_skip(decision_id: int) -> Response:
    queue.skip(core(), own_decision(decision_id).id, person().id)
    return _back()


@room.post("/review/<int:decision_id>/escalate")
@needs(Right.REVIEW)
def review_escalate(decision_id: int) -> Response:
    """Hand a picture to those who see the restricted ones."""
    decision = own_decision(decision_id)
    try:
        queue.escalate(core(), decision.id, person().name, request.form.get("note", ""))
    except DecisionStale:
        return _back(stale=decision.id)
    return _back(said=Said.ESCALATED)


@room.post("/decisions/<int:decision_id>/verdict")
@needs(Right.REVIEW)
def give_verdict(decision_id: int) -> Response:
    """Supersede a decision, whoever made it, by a person's; then go on to the next one, or back to this picture."""
    verdict = _verdict(request.form.get("verdict", ""))
    decision = to_decide(decision_id)
    queued = request.form.get("back") in ("review", "list")
    together = _together(decision, verdict)
    if together:
        return give_many([decision.id, *together], verdict)
    try:
        resolved = verdicts.resolve(
            core(),
            decision.id,
            verdict,
            person().name,
            person_id=person().id,
            rejection=request.form.get("rejection", "") if verdict is Verdict.BLOCK else "",
            never_again="never_again" in request.form and verdict is Verdict.BLOCK,
            delete="delete" in request.form,
            take_over="take_over" in request.form,
            within=visibility(),
        )
    except DecisionStale:
        if queued:
            return _back(stale=decision.id)
        return go(url_for("console.decision", decision_id=decision.id, stale=1), 303)
    except BeingReviewed as error:
        return Answered(_lost(decision, verdict, str(error)), 409, mimetype="text/html")
    waits = resolved == decision.id
    remember(core(), person(), Act.OPINION if waits else Act.DECISION, resolved)
    if queued:
        return _back()
    return go(url_for("console.decision", decision_id=resolved, done=None if waits else 1, waits=1 if waits else None), 303)


def to_decide(decision_id: int) -> Decision:
    """Look up a decision that this person may decide, which is none that was escalated to others."""
    decision = own_decision(decision_id)
    if queue.is_beyond(core(), visibility(), decision.id):
        abort(403, _("It was escalated: an owner or a restricted reviewer decides."))
    return decision


def _verdict(word: str) -> Verdict:
    if word not in (Verdict.ALLOW, Verdict.BLOCK):
        abort(400, _("A person's verdict is “allow” or “block”."))
    return Verdict(word)


def _lost(decision: Decision, verdict: Verdict, why: str) -> str:
    """Show a verdict that was not used because the time for it ran out, so that it need not be given anew."""
    kept = {name: value for name, value in request.form.items() if name not in ("form_token", "take_over")}
    return render_template("review/lost.html", decision=decision, verdict=verdict, why=why, kept=kept, **_around(""))


def _together(decision: Decision, verdict: Verdict) -> list[int]:
    """Collect the other pictures that are decided with this one: those that were marked, or its whole listing."""
    also = {number(value) for value in request.form.getlist("also")} - {0}
    if "listing" in request.form and verdict is Verdict.BLOCK:
        also |= {near.decision.id for near in queue.beside(core(), decision, visibility()) if _may_join(near, verdict)}
    also.discard(decision.id)
    return sorted(also)


def _may_join(near: queue.Near, verdict: Verdict) -> bool:
    return near.decision.verdict is not verdict or near.waits


def give_many(decision_ids: list[int], verdict: Verdict) -> Response:
    """Decide many pictures alike, as far as this person may."""
    rejection = request.form.get("rejection", "") if verdict is Verdict.BLOCK else ""
    mine = [to_decide(decision_id).id for decision_id in decision_ids]
    batch = batches.give(core(), mine, verdict, person().name, person().id, rejection=rejection)
    remember(core(), person(), Act.BATCH, batch)
    done = batches.run(core(), batch, visibility())
    if done.left or done.done < done.total:
        return go(url_for("console.batch", batch_id=batch), 303)
    return _back()


@room.post("/review/undo")
@needs(Right.REVIEW)
def review_undo() -> Response:
    """Undo what this person did last in the queue."""
    last = lately(core(), person())
    if last is None:
        return _back(said=Said.NOTHING_TO_UNDO)
    forget_lately(core(), person())
    if last.kind is Act.BATCH:
        undone = batches.undo_batch(core(), str(last.id), person().name, person().id)
        if batches.run(core(), undone, visibility()).left:
            return go(url_for("console.batch", batch_id=undone), 303)
        return _back(said=Said.UNDONE)
    if last.kind is Act.OPINION:
        verdicts.take_back_opinion(core(), int(last.id), person().name, person().id)
        again = int(last.id)
    else:
        again = verdicts.undo(core(), own_decision(int(last.id)).id, person().name, visibility())
    if request.form.get("back") == "list":
        return _back(said=Said.UNDONE)
    return go(url_for("console.review_item", decision_id=again, site=request.form.get("site") or None, said=Said.UNDONE), 303)


@room.get("/decisions/<int:decision_id>/preview")
@needs(Right.SEE)
def preview(decision_id: int) -> Answered:
    """Send the blurred picture; the clear one, or its part that scored, only to a reviewer on our own pages, and logged."""
    part = "part" in request.args
    clear = part or "clear" in request.args
    decision = own_decision(decision_id)
    if clear and not person().may(Right.REVIEW):
        abort(403, _("Your account may not see pictures in the clear. An owner can change that."))
    if clear and not ours(request, proven=True):
        raise FormForged("The clear picture is shown on Picward's own pages only.")
    picture = showing.preview(core(), decision.id, person().name, clear=clear, part=part)
    if picture is None:
        nothing = current_app.send_static_file("no-preview.svg")
        nothing.status_code = 404
        nothing.headers["Cache-Control"] = "no-store"
        return nothing
    return Answered(picture, mimetype="image/webp")
