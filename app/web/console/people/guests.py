"""Where a site's link into the console leads."""

from __future__ import annotations

from flask import g, render_template, request, url_for
from flask import redirect as go
from werkzeug.wrappers import Response

from app.domain.roles import Right
from app.services.people import guests
from app.web.console.guard import agent, keep, let_in, room, without_sign_in
from app.web.console.people.entry import Answer
from app.web.security import core

KEPT = "picward_guest"
"""The cookie by which a browser is known in which somebody said yes."""


@room.get("/enter/<token>")
@without_sign_in
def enter(token: str) -> Answer:
    """Ask a site's administrator whether they want to come in, once in each browser.

    A page of somebody else's can lead a browser here as well, and would sign it in as whom it likes. Whoever is already signed
    in, and may do as much, stays who they are.
    """
    site_id = guests.site_of(core(), token)
    if g.person is not None and g.person.sees(site_id) and g.person.may(Right.REVIEW):
        return _onward(site_id)
    arrival = guests.arrive(core(), token)
    if guests.agreed(core(), request.cookies.get(KEPT, ""), arrival):
        return _enter(arrival.token)
    return render_template("people/enter.html", arrival=arrival)


@room.post("/enter")
@without_sign_in
def enter_agreed() -> Response:
    """Sign a site's administrator in who said yes on our own page."""
    return _enter(request.form.get("token", ""))


def _enter(token: str) -> Response:
    entered = guests.enter(core(), token, agent())
    answer = let_in(_onward(entered.site_id), entered.session)
    keep(answer, KEPT, entered.keepsake, guests.KEPT_DAYS, path="/enter")
    return answer


def _onward(site_id: str) -> Response:
    return go(url_for("console.review_queue", site=site_id), 303)
