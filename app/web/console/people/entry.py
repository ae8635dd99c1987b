"""One-time links, sign-in and sign-out."""

from __future__ import annotations

from flask import redirect as go
from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from app.domain.errors import LinkExpired, SettingsInvalid, SignInRefused
from app.domain.roles import Right
from app.services.people import links, passwords, sessions
from app.services.review import queue
from app.services.sites import sites
from app.web.console.guard import COOKIE, agent, let_in, local_path, needs, person, room, without_sign_in
from app.web.security import core

Answer = str | Response | tuple[str, int]


@room.get("/")
@needs(Right.SEE)
def home() -> Response:
    """Lead each to the page that they came for."""
    if person().may(Right.CONNECT):
        return go(url_for("console.site_list" if sites.listing(core()) else "console.site_add"), 303)
    return go(url_for("console.review_queue" if person().may(Right.REVIEW) else "console.decision_list"), 303)


@room.get("/setup")
@without_sign_in
def setup_missing() -> Answer:
    return render_template("people/setup_expired.html"), 410


@room.route("/setup/<token>", methods=["GET", "POST"])
@without_sign_in
def setup(token: str) -> Answer:
    """Make the owner's account for the holder of the one-time link."""
    if not links.link_open(core(), token):
        return render_template("people/setup_expired.html"), 410
    if request.method == "GET":
        return render_template("people/setup.html", values={}, errors={}, shortest=passwords.SHORTEST)
    try:
        person_id = links.create_owner(
            core(), token, request.form.get("email", ""), request.form.get("name", ""), request.form.get("password", "")
        )
    except SettingsInvalid as error:
        page = render_template("people/setup.html", values=request.form, errors=error.fields, shortest=passwords.SHORTEST)
        return page, 422
    except LinkExpired:
        return render_template("people/setup_expired.html"), 410
    return let_in(go(url_for("console.site_add"), 303), sessions.open_session(core(), person_id, agent()))


@room.route("/join/<token>", methods=["GET", "POST"])
@without_sign_in
def join(token: str) -> Answer:
    """Make an account for an invited person."""
    invitation = links.invitation(core(), token)
    if invitation is None:
        return render_template("people/invitation_expired.html"), 410

    def page(errors: dict[str, str]) -> str:
        return render_template(
            "people/invitation.html",
            invitation=invitation,
            values=request.form,
            errors=errors,
            shortest=passwords.SHORTEST,
        )

    if request.method == "GET":
        return page({})
    try:
        person_id = links.accept(core(), token, request.form.get("name", ""), request.form.get("password", ""))
    except SettingsInvalid as error:
        return page(error.fields), 422
    except LinkExpired:
        return render_template("people/invitation_expired.html"), 410
    return let_in(go(url_for("console.home"), 303), sessions.open_session(core(), person_id, agent()))


@room.route("/reset/<token>", methods=["GET", "POST"])
@without_sign_in
def reset(token: str) -> Answer:
    """Set a new password for the holder of the link."""
    account = links.reset_of(core(), token)
    if account is None:
        return render_template("people/invitation_expired.html"), 410

    def page(errors: dict[str, str]) -> str:
        return render_template("people/reset.html", account=account, errors=errors, shortest=passwords.SHORTEST)

    if request.method == "GET":
        return page({})
    try:
        person_id = links.reset(core(), token, request.form.get("password", ""))
    except SettingsInvalid as error:
        return page(error.fields), 422
    except LinkExpired:
        return render_template("people/invitation_expired.html"), 410
    return let_in(go(url_for("console.home"), 303), sessions.open_session(core(), person_id, agent()))


@room.route("/sign-in", methods=["GET", "POST"])
@without_sign_in
def sign_in() -> Answer:
    onward = local_path(request.values.get("next", ""))
    if request.method == "GET":
        return render_template("people/sign_in.html", onward=onward, email="", problem="")
    email = request.form.get("email", "")
    try:
        token = sessions.sign_in(core(), email, request.form.get("password", ""), request.remote_addr or "", agent())
    except SignInRefused as error:
        return render_template("people/sign_in.html", onward=onward, email=email, problem=str(error)), 403
    return let_in(go(onward or url_for("console.home"), 303), token)


@room.post("/sign-out")
@needs(Right.SEE)
def sign_out() -> Response:
    queue.release(core(), person().id)
    sessions.sign_out(core(), request.cookies.get(COOKIE, ""))
    return signed_out()


def signed_out() -> Response:
    """Redirect to the sign-in page, and drop the cookie."""
    answer = go(url_for("console.sign_in"), 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer
