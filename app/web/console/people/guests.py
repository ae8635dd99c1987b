"""Where a site's link into the console leads."""

from __future__ import annotations

from flask import g, url_for
from flask import redirect as go
from werkzeug.wrappers import Response

from app.domain.roles import Right
from app.services.people import guests
from app.web.console.guard import agent, let_in, room, without_sign_in
from app.web.security import core


@room.get("/enter/<token>")
@without_sign_in
def enter(token: str) -> Response:
    """Sign a site's administrator in. Whoever is already signed in here, and may do as much, stays who they are."""
    site_id = guests.site_of(core(), token)
    onward = go(url_for("console.review_queue", site=site_id), 303)
    if g.person is not None and g.person.sees(site_id) and g.person.may(Right.REVIEW):
        return onward
    return let_in(onward, guests.enter(core(), token, agent()))
