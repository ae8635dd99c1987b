"""Each person's own keys for the review queue."""

from __future__ import annotations

from flask import redirect as go
from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from app.domain.errors import SettingsInvalid
from app.domain.roles import Right
from app.services.review import keys
from app.web.console.guard import needs, person, room
from app.web.console.words import Said
from app.web.security import core


@room.get("/review/keys")
@needs(Right.REVIEW)
def review_keys() -> str:
    return render_template("review/keys.html", actions=keys.ACTIONS, chosen=keys.of(core(), person().id), errors={})


@room.post("/review/keys")
@needs(Right.REVIEW)
def review_keys_change() -> Response | tuple[str, int]:
    """Store this person's keys, or go back to the usual ones."""
    if "usual" in request.form:
        wanted = {name: key.key for name, key in keys.ACTIONS.items()}
    else:
        wanted = {name: request.form[name] for name in keys.ACTIONS if name in request.form}
    try:
        keys.choose(core(), person().id, wanted)
    except SettingsInvalid as error:
        chosen = {**keys.of(core(), person().id), **wanted}
        return render_template("review/keys.html", actions=keys.ACTIONS, chosen=chosen, errors=error.fields), 422
    return go(url_for("console.review_keys", said=Said.KEYS_KEPT), 303)
