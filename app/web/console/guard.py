"""Who may see a page, and which forms are ours."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, Request, abort, after_this_request, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response

from app.domain.decisions import Decision
from app.domain.errors import DecisionUnknown, FormForged, SiteUnknown
from app.domain.limits import ENTRY
from app.domain.platform import Site
from app.domain.roles import Right
from app.domain.time import DAY, SECOND
from app.domain.visibility import Visibility
from app.services.people import devices, sessions
from app.services.people.sessions import Ended, Person
from app.services.review import queue, showing
from app.services.sites import sites
from app.web.console import proof, words
from app.web.console.words import Said
from app.web.security import address, core, encrypted
from app.web.texts import Lazy, _, lazy

COOKIE = "picward"

DEVICE_COOKIE = "picward_device"

_ENDED = {Ended.IDLE: Said.IDLE, Ended.OLD: Said.OLD}

OF_CONSEQUENCE = frozenset({Right.PEOPLE, Right.CONNECT})
"""Whoever changes something by these rights has typed their password lately: people, tokens, connections and secrets, erasure."""

View = TypeVar("View", bound=Callable[..., Any])

room = Blueprint("console", __name__)
for _name, _filter in words.FILTERS.items():
    room.add_app_template_filter(_filter, _name)


def needs(right: Right) -> Callable[[View], View]:
    """Declare what a route needs, directly under `@room.…`."""

    def declared(view: View) -> View:
        view.needs = right  # type: ignore[attr-defined]
        return view

    return declared


def without_sign_in(view: View) -> View:
    """Declare that a route needs no session."""
    view.needs = None  # type: ignore[attr-defined]
    return view


def needed(endpoint: str) -> Right | None:
    """Read what a route declares that it needs, None for no session. Raise `AttributeError` where it declares nothing."""
    view: Any = current_app.view_functions[endpoint]
    right: Right | None = view.needs
    return right


@room.before_request
def _admit() -> Response | None:
    g.token = request.cookies.get(COOKIE, "")
    g.person = sessions.signed_in(core(), g.token, active=not _looked_at_by_a_script())
    right = needed(request.endpoint or "")
    if right is None:
        if request.method == "POST" and not ours(request):
            raise FormForged("This form did not come from Picward's own page. Open the page again and send it from there.")
        return None
    if g.person is None:
        turned_away = _let_go_on()
        if turned_away is not None:
            return turned_away
    elif request.method == "POST" and not _carries_token(person()):
        raise FormForged("This page was open for too long, or you signed in again meanwhile. Go back, reload it and try again.")
    if not person().may(right):
        abort(403, _("Your account may not do this. An owner can change that."))
    if request.method == "POST" and right in OF_CONSEQUENCE and not person().proven(core().now()):
        return proof.asked(person(), None, lambda typed: sessions.prove(core(), session_token(), typed, address()))
    return None


def _looked_at_by_a_script() -> bool:
    """Tell whether a page asks by itself how things stand: that is nobody's work, and keeps no session alive."""
    return request.method == "GET" and request.headers.get("Sec-Fetch-Dest") == "empty"


def _carries_token(whose: Person) -> bool:
    return hmac.compare_digest(request.form.get("form_token", "").encode(), whose.form_token.encode())


def _let_go_on() -> Response | None:
    """Let who was signed out by time go on with what they sent, once they type their password; others are to sign in."""
    former = sessions.former(core(), session_token())
    if former and former.has_password and request.method == "POST" and _carries_token(former.person):

        def prove(typed: str) -> None:
            g.token = sessions.go_on(core(), session_token(), typed, address())
            g.person = sessions.signed_in(core(), g.token)

        page = proof.asked(former.person, former.why, prove)
        if page is None:
            after_this_request(lambda answer: let_in(answer, session_token(), former.person.id))
        return page
    asked = request.full_path.rstrip("?") if request.method == "GET" else ""
    return redirect(url_for("console.sign_in", next=asked or None, said=_ENDED[former.why] if former else None), 303)


def session_token() -> str:
    """Return what the cookie of this session holds."""
    token: str = g.token
    return token


def person() -> Person:
    """Return who is signed in; only for pages that need a session."""
    found: Person = g.person
    return found


def own_site(site_id: str) -> Site:
    """Look up a site that this person sees. Raise `SiteUnknown`, the same for one that is not there."""
    if not person().sees(site_id):
        raise SiteUnknown(f"There is no site “{site_id}”.")
    return sites.get(core(), site_id)


def own_decision(decision_id: int) -> Decision:
    """Look up a decision of a connected site that this person sees, no restricted one without the right to it.

    Raise `DecisionUnknown`.
    """
    found = showing.get(core(), decision_id)
    if found.restricted and not person().may(Right.REVIEW_RESTRICTED):
        raise DecisionUnknown(f"There is no decision {decision_id}.")
    try:
        own_site(found.site_id)
    except SiteUnknown:
        raise DecisionUnknown(f"There is no decision {decision_id}.") from None
    return found


def seen_sites() -> tuple[str, ...] | None:
    """List the ids of the connected sites that this person sees, None for all of them."""
    return sites.visible(core(), person().sites)


def visibility(site_id: str = "") -> Visibility:
    """Limit lists to what this person sees: of all their sites, or of one of them. Raise `SiteUnknown`."""
    if site_id:
        own_site(site_id)
    me = person()
    return Visibility((site_id,) if site_id else seen_sites(), me.may(Right.REVIEW_RESTRICTED), me.may(Right.PEOPLE), me.side)


def ours(asked: Request, *, proven: bool = False) -> bool:
    """Tell whether a browser sent this from one of our own pages.

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
    """Return a path of ours to go on to, or "" when it could lead anywhere else.

    Browsers drop tabs and line ends and read a backslash as a slash, so that none of them may be in it.
    """
    plain = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable() and " " not in path
    return path if plain else ""


def let_in(answer: Response, token: str, person_id: int = 0) -> Response:
    """Hand a browser its session, and let it be known as this person's if they typed their password here.

    Lax: a link in a site's admin pages must arrive signed in; every POST needs its form token.
    """
    keep(answer, COOKIE, token, ENTRY.session_days + sessions.KEPT_DAYS)
    if person_id:
        known = devices.remember(core(), request.cookies.get(DEVICE_COOKIE, ""), person_id)
        keep(answer, DEVICE_COOKIE, known, ENTRY.known_days)
    return answer


def keep(answer: Response, name: str, value: str, days: int, path: str = "/") -> None:
    """Have a browser keep a cookie that no script reads, and that goes by https alone where there is https."""
    seconds = days * DAY // SECOND
    answer.set_cookie(name, value, max_age=seconds, httponly=True, samesite="Lax", secure=encrypted(), path=path)


def agent() -> str:
    """Read what the browser calls itself."""
    return request.headers.get("User-Agent", "")


NAVIGATION = (
    ("console.review_queue", lazy("Review"), Right.REVIEW, ()),
    ("console.decision_list", lazy("Decisions"), Right.SEE, ("/history",)),
    ("console.insights", lazy("Insights"), Right.SEE, ()),
    ("console.try_picture", lazy("Try"), Right.SEE, ()),
    ("console.site_list", lazy("Sites"), Right.SEE, ()),
    ("console.people", lazy("People"), Right.PEOPLE, ("/programs",)),
)
"""The rooms of the console in the order of their use: endpoint, name, what it takes to enter, and what else belongs to it."""


def _navigation() -> list[tuple[str, Lazy, int, bool]]:
    """List the rooms that this person may enter: address, name, how many items wait there, and whether it is this one."""
    links = []
    for endpoint, name, right, more in NAVIGATION:
        if endpoint in current_app.view_functions and person().may(right):
            path = url_for(endpoint)
            here = any(request.path == part or request.path.startswith(f"{part}/") for part in (path, *more))
            links.append((path, name, _waiting() if right is Right.REVIEW else 0, here))
    return links


def _waiting() -> int:
    return queue.count(core(), visibility())


@room.context_processor
def _around() -> dict[str, Any]:
    said: Any = request.args.get("said", "")
    return {
        "person": g.get("person"),
        "navigation": _navigation,
        "now": core().now(),
        "said": words.SAID.get(said, ""),
        "unwelcome": said in words.UNWELCOME,
    }
