"""Which answer each error becomes: RFC 9457 problem+json for programs, a page for people."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from flask import Flask, Response, current_app, jsonify, render_template, request
from werkzeug.exceptions import HTTPException, NotFound

from app.domain import errors
from app.domain.errors import DatabaseUnavailable, PicwardError, VaultKeyWrong
from app.web.texts import _, marked, say

log = logging.getLogger(__name__)

RETRY_SECONDS = 30
"""What a sender is asked to wait when the database could not commit."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An answer to an error. `hidden` errors show the title only: the sender learns nothing about the cause."""

    status: int
    title: str
    hidden: bool = False


PROBLEMS: dict[type[PicwardError], Problem] = {
    errors.DeliveryRefused: Problem(401, marked("Not accepted"), hidden=True),
    errors.ClockWrong: Problem(401, marked("The clock is wrong")),
    errors.DeliveryUnreadable: Problem(422, marked("Not readable")),
    errors.DeliveryTooLarge: Problem(413, marked("Too large")),
    errors.DeliveryRepeated: Problem(409, marked("Sent before")),
    errors.PlatformUnknown: Problem(404, marked("No such platform")),
    errors.SiteUnknown: Problem(404, marked("No such site")),
    errors.PairingRefused: Problem(403, marked("Not connected")),
    errors.SettingsInvalid: Problem(422, marked("Not valid")),
    errors.OwnerNeeded: Problem(403, marked("Only an owner may change this")),
    errors.MediaGone: Problem(410, marked("The picture is gone")),
    errors.MediaSkipped: Problem(422, marked("This is no picture")),
    errors.MediaUnreadable: Problem(422, marked("The picture cannot be read")),
    errors.SandboxFailed: Problem(422, marked("The picture could not be opened safely")),
    errors.PlatformUnavailable: Problem(502, marked("The site does not answer")),
    errors.PlatformClosed: Problem(502, marked("The site does not answer")),
    errors.PlatformThrottled: Problem(502, marked("The site does not answer")),
    errors.PlatformRefused: Problem(502, marked("The site refused")),
    errors.CredentialsExpired: Problem(502, marked("The site no longer accepts our credentials")),
    errors.AddressForbidden: Problem(422, marked("The address is in a private network")),
    errors.ModelUnavailable: Problem(503, marked("A model is missing")),
    errors.DecisionStale: Problem(409, marked("Decided meanwhile")),
    errors.DecisionUnknown: Problem(404, marked("No such decision")),
    errors.Escalated: Problem(403, marked("Escalated")),
    errors.BeingReviewed: Problem(409, marked("Somebody looks at it now")),
    errors.SecondPersonNeeded: Problem(409, marked("A second person is needed")),
    errors.UndoImpossible: Problem(409, marked("This cannot be undone")),
    errors.PersonUnknown: Problem(404, marked("No such account")),
    errors.SignInRefused: Problem(403, marked("Sign-in refused")),
    errors.LinkExpired: Problem(410, marked("The link no longer works")),
    errors.FormForged: Problem(403, marked("Form refused")),
    errors.HashListUnreadable: Problem(422, marked("The list cannot be read")),
    errors.TriedPictureGone: Problem(410, marked("The picture is not here any more")),
    errors.TokenRefused: Problem(401, marked("Token refused"), hidden=True),
    errors.ScopeMissing: Problem(403, marked("Not within this token's scopes")),
    errors.TooManyRequests: Problem(429, marked("Too many requests")),
    errors.TooBusy: Problem(503, marked("Too much at once")),
    DatabaseUnavailable: Problem(503, marked("Try again")),
    errors.NotStored: Problem(409, marked("Not stored")),
    VaultKeyWrong: Problem(500, marked("The vault key is wrong")),
}


def problem_of(error: PicwardError) -> Problem:
    """Find what answers an error, or the one that a platform made a kind of its own of."""
    return next(PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS)


def answer(status: int, title: str, detail: str = "", **more: object) -> Response:
    """Make a problem+json answer."""
    body = {"type": "about:blank", "title": title, "status": status, **more}
    if detail:
        body["detail"] = detail
    response = jsonify(body)
    response.status_code = status
    response.content_type = "application/problem+json"
    return response


def register(application: Flask) -> None:
    application.register_error_handler(PicwardError, known)
    application.register_error_handler(HTTPException, _http)
    application.register_error_handler(DatabaseUnavailable, _database)
    application.register_error_handler(Exception, _unknown)


def _for_people() -> bool:
    # “*/*” is what programs say; only browsers name HTML.
    named = any(mime == "text/html" for mime, _ in request.accept_mimetypes)
    return request.blueprint == "console" or (request.blueprint is None and named and not request.path.startswith("/api/"))


def known(error: PicwardError) -> Response:
    """Answer an error as the table says, and with when to come back where it says that."""
    problem = problem_of(error)
    if problem.hidden:
        log.info("refused %s: %s", request.url_rule, error)
    detail = "" if problem.hidden else str(error)
    if _for_people():
        return _waiting(_page(problem.status, say(problem.title), detail), error)
    fields = {"fields": error.fields} if isinstance(error, errors.SettingsInvalid) else {}
    return _waiting(answer(problem.status, problem.title, detail, **fields), error)


def told(page: str, error: PicwardError) -> Response:
    """Answer an error by a page that tells it in its own words."""
    return _waiting(Response(page, problem_of(error).status, mimetype="text/html"), error)


def _waiting(response: Response, error: PicwardError) -> Response:
    if isinstance(error, (errors.TooManyRequests, errors.TooBusy)):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _http(error: HTTPException) -> Response:
    status, title = error.code or 500, error.name
    if not _for_people():
        response = answer(status, title)
    elif error.description == NotFound.description:
        response = _page(status, _("Nothing is here"), _("The address was mistyped, or what was here is gone."))
    else:
        response = _page(status, say(title), say(error.description or ""))
    if status == 405 and error.get_response().headers.get("Allow"):
        response.headers["Allow"] = error.get_response().headers["Allow"]
    return response


def _database(error: DatabaseUnavailable) -> Response:
    log.exception("the database did not commit")
    response = known(error)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _unknown(error: Exception) -> Response:
    if current_app.testing:
        raise error
    log.exception("unexpected error at %s", request.url_rule)
    if _for_people():
        return _page(500, _("Something went wrong"), _("The log of this machine says more."))
    return answer(500, "Internal error")


def _page(status: int, title: str, detail: str) -> Response:
    return Response(render_template("problem.html", status=status, title=title, detail=detail), status, mimetype="text/html")
