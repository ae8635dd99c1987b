"""One-time links, sign-in and sign-out."""

from __future__ import annotations

from flask import redirect as go
from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from app.domain.errors import LinkExpired, SettingsInvalid, SignInRefused, TooBusy, TooManyRequests
from app.domain.roles import Right
from app.services.people import links, passwords, sessions
from app.services.review import queue
from app.services.sites import sites
from app.web import problems
from app.web.console import proof, words
from app.web.console.guard import (
    COOKIE,
    DEVICE_COOKIE,
    agent,
    let_in,
    local_path,
    needs,
    person,
    room,
    session_token,
    without_sign_in,
)
from app.web.security import address, core, unnamed_proxy

Answer = str | Response | tuple[str, int]


@room.get("/")
@needs(Right.SEE)
def home() -> Response:
    """Lead each to the page that they came for."""
    if person().may(Right.CONNECT):
        return go(url_for("console.site_add" if sites.none_yet(core()) else "console.site_list"), 303)
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

    def page(errors: dict[str, str], problem: str = "") -> str:
        return render_template(
            "people/setup.html", values=request.form, errors=errors, problem=problem, shortest=passwords.SHORTEST
        )

    if request.method == "GET":
        return page({})
    try:
        person_id = links.create_owner(
            core(), token, request.form.get("email", ""), request.form.get("name", ""), request.form.get("password", "")
        )
    except SettingsInvalid as error:
        return page(error.fields), 422
    except TooBusy as error:
        return problems.told(page({}, words.trouble(error)), error)
    except LinkExpired:
        return render_template("people/setup_expired.html"), 410
    return _let_in(person_id, "console.site_add")


def _let_in(person_id: int, endpoint: str) -> Response:
    """Let somebody in who has just set their password."""
    return let_in(go(url_for(endpoint), 303), sessions.open_session(core(), person_id, agent(), address=address()), person_id)


@room.route("/join/<token>", methods=["GET", "POST"])
@without_sign_in
def join(token: str) -> Answer:
    """Make an account for an invited person."""
    invitation = links.invitation(core(), token)
    if invitation is None:
        return render_template("people/invitation_expired.html"), 410

    def page(errors: dict[str, str], problem: str = "") -> str:
        return render_template(
            "people/invitation.html",
            invitation=invitation,
            values=request.form,
            errors=errors,
            problem=problem,
            shortest=passwords.SHORTEST,
        )

    if request.method == "GET":
        return page({})
    try:
        person_id = links.accept(core(), token, request.form.get("name", ""), request.form.get("password", ""))
    except SettingsInvalid as error:
        return page(error.fields), 422
    except TooBusy as error:
        return problems.told(page({}, words.trouble(error)), error)
    except LinkExpired:
        return render_template("people/invitation_expired.html"), 410
    return _let_in(person_id, "console.home")


@room.route("/reset/<token>", methods=["GET", "POST"])
@without_sign_in
def reset(token: str) -> Answer:
    """Set a new password for the holder of the link."""
    account = links.reset_of(core(), token)
    if account is None:
        return render_template("people/invitation_expired.html"), 410

    def page(errors: dict[str, str], problem: str = "") -> str:
        return render_template("people/reset.html", account=account, errors=errors, problem=problem, shortest=passwords.SHORTEST)

    if request.method == "GET":
        return page({})
    try:
        person_id = links.reset(core(), token, request.form.get("password", ""))
    except SettingsInvalid as error:
        return page(error.fields), 422
    except TooBusy as error:
        return problems.told(page({}, words.trouble(error)), error)
    except LinkExpired:
        return render_template("people/invitation_expired.html"), 410
    return _let_in(person_id, "console.home")


@room.route("/sign-in", methods=["GET", "POST"])
@without_sign_in
def sign_in() -> Answer:
    onward = local_path(request.values.get("next", ""))
    email = request.form.get("email", "")

    def page(problem: str) -> str:
        return render_template("people/sign_in.html", onward=onward, email=email, problem=problem, unnamed_proxy=unnamed_proxy())

    if request.method == "GET":
        address()  # tells the log of a proxy that was not named
        return page("")
    try:
        token = sessions.sign_in(
            core(), email, request.form.get("password", ""), address(), agent(), request.cookies.get(DEVICE_COOKIE, "")
        )
    except (SignInRefused, TooManyRequests, TooBusy) as error:
        return problems.told(page(words.trouble(error)), error)
    sessions.sign_out(core(), session_token())  # the session that this browser had before
    person_id = sessions.load(core(), token).id
    return let_in(go(onward or url_for("console.home"), 303), token, person_id)


@room.route("/prove", methods=["GET", "POST"])
@needs(Right.SEE)
def prove() -> Answer:
    """Take the password again, before something is shown that needs it; then lead back there."""
    onward = local_path(request.values.get("next", ""))
    if not person().proven(core().now()):
        page = proof.asked(person(), None, lambda typed: sessions.prove(core(), session_token(), typed, address()))
        if page is not None:
            return page
    return go(onward or url_for("console.home"), 303)


@room.post("/sign-out")
@needs(Right.SEE)
def sign_out() -> Response:
    queue.release(core(), person().id)
    sessions.sign_out(core(), session_token())
    return signed_out()


def signed_out() -> Response:
    """Redirect to the sign-in page, and drop the cookie."""
    answer = go(url_for("console.sign_in"), 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer
