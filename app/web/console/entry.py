"""The one-time link, sign-in and sign-out."""

from __future__ import annotations

from flask import redirect as go
from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from app.domain.errors import LinkExpired, SettingsInvalid, SignInRefused
from app.services import people, sites
from app.web.console.guard import COOKIE, let_in, local_path, room
from app.web.security import core

Answer = str | Response | tuple[str, int]


@room.get("/")
def home() -> Response:
    return go(url_for("console.site_list" if sites.listing(core()) else "console.site_add"), 303)


@room.get("/setup")
def setup_missing() -> Answer:
    return render_template("setup_expired.html"), 410


@room.route("/setup/<token>", methods=["GET", "POST"])
def setup(token: str) -> Answer:
    """Let the holder of the one-time link make the owner's account."""
    if not people.link_open(core(), token):
        return render_template("setup_expired.html"), 410
    if request.method == "GET":
        return render_template("setup.html", values={}, errors={}, shortest=people.PASSWORD_CHARACTERS)
    try:
        person_id = people.create_owner(
            core(), token, request.form.get("email", ""), request.form.get("name", ""), request.form.get("password", "")
        )
    except SettingsInvalid as error:
        page = render_template("setup.html", values=request.form, errors=error.fields, shortest=people.PASSWORD_CHARACTERS)
        return page, 422
    except LinkExpired:
        return render_template("setup_expired.html"), 410
    return let_in(go(url_for("console.site_add"), 303), people.open_session(core(), person_id))


@room.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Answer:
    onward = local_path(request.values.get("next", ""))
    if request.method == "GET":
        return render_template("sign_in.html", onward=onward, email="", problem="")
    email = request.form.get("email", "")
    try:
        token = people.sign_in(core(), email, request.form.get("password", ""), request.remote_addr or "")
    except SignInRefused as error:
        return render_template("sign_in.html", onward=onward, email=email, problem=str(error)), 403
    return let_in(go(onward or url_for("console.home"), 303), token)


@room.post("/sign-out")
def sign_out() -> Response:
    people.sign_out(core(), request.cookies.get(COOKIE, ""))
    answer = go(url_for("console.sign_in"), 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer
