"""Many verdicts at once: asked for, confirmed, done step by step, and taken back."""

from __future__ import annotations

from flask import redirect as go
from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from app.domain.decisions import Verdict
from app.domain.errors import DecisionUnknown
from app.domain.rejections import REJECTIONS
from app.domain.roles import Right
from app.services.review import batches, queue
from app.services.review.batches import Progress
from app.services.sites import sites
from app.web.console.guard import needs, own_decision, person, room, visibility
from app.web.console.review.lately import Act, remember
from app.web.console.review.queue import give_many
from app.web.console.words import Said
from app.web.security import core, number

LISTED = 200
"""Pictures that the page of a batch lists, at most."""


@room.post("/review/many")
@needs(Right.REVIEW)
def review_many() -> str | Response:
    """Show which pictures were selected and for what; with `confirmed`, decide them."""
    verdict = Verdict.ALLOW if request.form.get("verdict") == Verdict.ALLOW else Verdict.BLOCK
    ids = [id_ for value in request.form.getlist("also") if (id_ := number(value))]
    mine = queue.items(core(), visibility(), ids)
    if not mine:
        return go(url_for("console.review_list", said=Said.NOTHING_CHOSEN), 303)
    if "confirmed" in request.form:
        return give_many([item.decision.id for item in mine], verdict)
    return render_template(
        "review/confirm.html",
        items=mine,
        verdict=verdict,
        rejection=REJECTIONS.get(request.form.get("rejection", "")),
        names=sites.names(core(), {item.decision.site_id for item in mine}),
        kept={name: request.form.get(name, "") for name in ("site", "after", "back", "rejection")},
    )


@room.get("/review/batches/<batch_id>")
@needs(Right.REVIEW)
def batch(batch_id: str) -> str:
    return _page(_own(batch_id))


@room.post("/review/batches/<batch_id>")
@needs(Right.REVIEW)
def batch_step(batch_id: str) -> Response:
    """Do the next items of a batch."""
    batches.run(core(), _own(batch_id).id, visibility())
    return go(url_for("console.batch", batch_id=batch_id), 303)


@room.post("/review/batches/<batch_id>/undo")
@needs(Right.REVIEW)
def batch_undo(batch_id: str) -> str | Response:
    """Show what undoing a batch would do; with `confirmed`, undo it."""
    found = _own(batch_id)
    return undo_many(batches.made(core(), found.id), url_for("console.batch_undo", batch_id=batch_id), batch_id)


@room.post("/decisions/undo")
@needs(Right.REVIEW)
def decisions_undo() -> str | Response:
    """Show what undoing the selected decisions would do; with `confirmed`, undo them."""
    ids = [id_ for value in request.form.getlist("also") if (id_ := number(value))]
    return undo_many([own_decision(id_).id for id_ in ids], url_for("console.decisions_undo"))


def undo_many(ids: list[int], action: str, batch_id: str = "", *, carried: bool = True) -> str | Response:
    """Ask before many decisions are undone, saying what would happen; undo them once that was confirmed.

    Unless they are `carried` by the page, `action` finds them again.
    """
    if not ids:
        return go(url_for("console.decision_list", said=Said.NOTHING_CHOSEN), 303)
    if "confirmed" not in request.form:
        foreseen = batches.foresee(core(), ids, visibility())
        kept = ids if carried and not batch_id else []
        names = sites.names(core(), {item.decision.site_id for item in foreseen.examples})
        return render_template("review/undo.html", foreseen=foreseen, action=action, ids=kept, names=names)
    if batch_id:
        undone = batches.undo_batch(core(), batch_id, person().name, person().id)
    else:
        undone = batches.undo(core(), ids, person().name, person().id)
    remember(core(), person(), Act.BATCH, undone)
    batches.run(core(), undone, visibility())
    return go(url_for("console.batch", batch_id=undone), 303)


def _own(batch_id: str) -> Progress:
    """Look up a batch of which this person sees everything. Raise `DecisionUnknown`."""
    found = batches.progress(core(), batch_id)
    if found.person_id == person().id or not batches.beyond(core(), found.id, visibility()):
        return found
    raise DecisionUnknown("There is no such batch.")


def _page(found: Progress) -> str:
    shown = batches.shown(core(), found.id, visibility(), LISTED)
    return render_template(
        "review/batch.html",
        batch=found,
        shown=shown,
        rejection=REJECTIONS.get(found.rejection),
        names=sites.names(core(), {item.decision.site_id for item, _outcome in shown}),
    )
