"""Who may see a page, and which forms are ours."""

from __future__ import annotations

import hmac
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Request, g, redirect, request, url_for
from werkzeug.wrappers import Response

from app.domain.errors import FormForged
from app.services import people, review
from app.services.people import Person
from app.web.console import words
from app.web.security import core

COOKIE = "picward"

OPEN = frozenset({"console.setup", "console.setup_missing", "console.sign_in"})
"""The pages that need no session; everything else in this room does."""

room = Blueprint("console", __name__)
for _name, _filter in words.FILTERS.items():
    room.add_app_template_filter(_filter, _name)


@room.before_request
def _admit() -> Response | None:
    g.person = people.signed_in(core(), request.cookies.get(COOKIE, ""))
    if request.endpoint in OPEN:
        if request.method == "POST" and not ours(request):
            raise FormForged("This form did not come from Picward's own page. Open the page again and send it from there.")
        return None
    if g.person is None:
        asked = request.full_path.rstrip("?") if request.method == "GET" else ""
        return redirect(url_for("console.sign_in", next=asked or None), 303)
    if request.method == "POST" and not hmac.compare_digest(
        request.form.get("form_token", "").encode(), g.person.form_token.encode()
    ):
        raise FormForged("This page was open for too long, or you signed in again meanwhile. Go back, reload it and try again.")
    return None


def person() -> Person:
    """Give who is signed in; only for pages that need a session."""
    found: Person = g.person
    return found


def ours(asked: Request, *, proven: bool = False) -> bool:
    """Say whether a browser sent this from one of our own pages.

    Browsers set Sec-Fetch-Site at https and on this machine, Origin with every POST, Referer with the rest. A request with
    none of them is no browser's, and carries nobody's cookie without their doing; with `proven` it is refused all the same.
    """
    fetched_from = asked.headers.get("Sec-Fetch-Site")
    if fetched_from is not None:
        return fetched_from == "same-origin"
    origin = asked.headers.get("Origin") or _origin(asked.headers.get("Referer", ""))
    if not origin:
        return not proven
    return origin in (_origin(asked.host_url), _origin(core().public_url))


def _origin(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return "unreadable"
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


def local_path(path: str) -> str:
    """Give a path of ours to go on to, or "" when it could lead anywhere else.

    Browsers drop tabs and line ends and read a backslash as a slash, so that none of them may be in it.
    """
    plain = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable() and " " not in path
    return path if plain else ""


def let_in(answer: Response, token: str) -> Response:
    """Hand a browser its session. Lax: a link in a site's admin pages must arrive signed in; every POST needs its form token."""
    answer.set_cookie(
        COOKIE,
        token,
        max_age=people.SESSION_DAYS * 86_400,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
        path="/",
    )
    return answer


@room.context_processor
def _around() -> dict[str, Any]:
    return {
        "person": g.get("person"),
        "waiting_count": lambda: review.count_waiting(core()),
        "now": core().now(),
        "said": words.SAID.get(request.args.get("said", ""), ""),
    }
