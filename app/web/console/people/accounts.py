"""People and what they may do, and everyone's own account."""

from __future__ import annotations

from collections.abc import Collection

from flask import redirect as go
from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from app.domain.errors import SettingsInvalid, SignInRefused, TooBusy, TooManyRequests
from app.domain.roles import LIMITED, Right, Role
from app.services.people import access, accounts, links, passwords, sessions
from app.services.sites import sites
from app.web import problems
from app.web.console import words
from app.web.console.guard import needs, person, room, session_token
from app.web.console.people.entry import Answer, signed_out
from app.web.console.words import Said
from app.web.security import address, core
from app.web.texts import _


@room.get("/people")
@needs(Right.PEOPLE)
def people() -> str:
    """List accounts, invitations that wait, and what happened to them."""
    listed, invited = accounts.listing(core()), links.invitations(core())
    return render_template(
        "people/accounts.html",
        accounts=listed,
        invitations=invited,
        names=sites.names(core(), frozenset().union(*(one.sites for one in listed), *(one.sites for one in invited))),
        roles=words.ROLES,
        trail=accounts.trail(core(), 12),
        accesses=access.lately(core(), 12),
    )


def _offered(chosen: Collection[str]) -> dict[str, object]:
    """Give the sites to choose from: all where there are few, else those that are chosen and those that were searched for."""
    few = sites.few(core(), ())
    if few is not None:
        return {"names": few, "find": None}
    words = request.form.get("find", "").strip()
    found = {row.id: row.name for row in sites.meant(core(), (), words)} if words else {}
    return {"names": sites.names(core(), chosen) | found, "find": words}


def _searching() -> bool:
    return request.method == "POST" and "search" in request.form


@room.route("/people/invite", methods=["GET", "POST"])
@needs(Right.PEOPLE)
def people_invite() -> Answer:
    """Make an invitation; its link is in the answer and nowhere else."""

    def page(errors: dict[str, str]) -> str:
        values = {"role": Role.REVIEWER, "scope": "all", **request.form.to_dict()}
        chosen = request.form.getlist("site")
        return render_template(
            "people/invite.html", values=values, chosen=chosen, errors=errors, roles=words.ROLES, **_offered(chosen)
        )

    if request.method == "GET" or _searching():
        return page({})
    email = request.form.get("email", "").strip()
    try:
        link = links.invite(core(), email, request.form.get("role", ""), _wanted_sites(), person().name)
    except SettingsInvalid as error:
        return page(error.fields), 422
    return render_template(
        "people/link.html",
        title=_("Send this link to %(email)s", email=email),
        link=link,
        hours=links.INVITATION_HOURS,
        invited=True,
    )


def _wanted_sites() -> list[str]:
    """Read which sites somebody is to see; none is every site. Raise `SettingsInvalid` when some were meant and none chosen."""
    if request.form.get("scope") != "some" or request.form.get("role") not in LIMITED:
        return []
    chosen = request.form.getlist("site")
    if not chosen:
        raise SettingsInvalid("Choose at least one site.", {"sites": "Choose at least one site"})
    return chosen


@room.post("/people/invitations/<invitation_id>/revoke")
@needs(Right.PEOPLE)
def people_revoke(invitation_id: str) -> Response:
    links.revoke(core(), invitation_id, person().name)
    return go(url_for("console.people", said=Said.REVOKED), 303)


@room.route("/people/<int:person_id>", methods=["GET", "POST"])
@needs(Right.PEOPLE)
def people_one(person_id: int) -> Answer:
    """Show one account, and change what it may do."""
    account = accounts.get(core(), person_id)
    if request.method == "GET" or _searching():
        return _one(account)
    try:
        accounts.change(core(), person_id, request.form.get("role", ""), _wanted_sites(), person().name)
    except SettingsInvalid as error:
        return _one(account, error.fields), 422
    return go(url_for("console.people_one", person_id=person_id, said=Said.CHANGED), 303)


def _one(account: accounts.Account, errors: dict[str, str] | None = None) -> str:
    posted = request.form if request.endpoint == "console.people_one" and request.method == "POST" else None
    chosen = posted.getlist("site") if posted else account.sites
    return render_template(
        "people/account.html",
        account=account,
        values=posted or {"role": account.role, "scope": "some" if account.sites else "all"},
        chosen=chosen,
        errors=errors or {},
        roles=words.ROLES,
        **_offered(chosen),
    )


@room.post("/people/<int:person_id>/<any(disable,enable):wish>")
@needs(Right.PEOPLE)
def people_disable(person_id: int, wish: str) -> Answer:
    """Disable an account or enable it again."""
    change, said = (accounts.disable, Said.DISABLED) if wish == "disable" else (accounts.enable, Said.ENABLED)
    try:
        change(core(), person_id, person().name)
    except SettingsInvalid as error:
        return _one(accounts.get(core(), person_id), error.fields), 422
    return go(url_for("console.people_one", person_id=person_id, said=said), 303)


@room.post("/people/<int:person_id>/reset-link")
@needs(Right.PEOPLE)
def people_reset_link(person_id: int) -> Answer:
    """Make a link that sets somebody's password; it is in the answer and nowhere else."""
    account = accounts.get(core(), person_id)
    try:
        link = links.reset_link(core(), person_id, person().name)
    except SettingsInvalid as error:
        return _one(account, error.fields), 422
    return render_template(
        "people/link.html",
        title=_("Send this link to %(name)s", name=account.name),
        link=link,
        hours=links.RESET_HOURS,
        invited=False,
    )


@room.route("/account", methods=["GET", "POST"])
@needs(Right.SEE)
def account() -> Answer:
    """Show everyone's own account; a form changes the name."""
    if request.method == "GET":
        return _account()
    try:
        accounts.rename(core(), person().id, request.form.get("name", ""))
    except SettingsInvalid as error:
        return _account(error.fields), 422
    return go(url_for("console.account", said=Said.SAVED), 303)


def _account(errors: dict[str, str] | None = None) -> str:
    return render_template(
        "people/own_account.html",
        errors=errors or {},
        name=request.form.get("name", person().name),
        names=sites.names(core(), person().sites),
        roles=words.ROLES,
        shortest=passwords.SHORTEST,
        sessions=sessions.sessions(core(), person().id, session_token()),
    )


@room.post("/account/password")
@needs(Right.SEE)
def account_password() -> Answer:
    """Change one's password, knowing the old one."""
    try:
        sessions.change_password(
            core(),
            session_token(),
            person().id,
            request.form.get("old", ""),
            request.form.get("password", ""),
            address(),
        )
    except SettingsInvalid as error:
        return _account(error.fields), 422
    except SignInRefused as error:
        return _account({"old": str(error)}), 422
    except (TooManyRequests, TooBusy) as error:
        return problems.told(_account({"old": words.trouble(error)}), error)
    return go(url_for("console.account", said=Said.PASSWORD), 303)


@room.post("/account/sign-out-everywhere")
@needs(Right.SEE)
def account_sign_out() -> Response:
    sessions.sign_out_everywhere(core(), person().id)
    return signed_out()


@room.post("/account/sessions/<session_id>/end")
@needs(Right.SEE)
def account_session_end(session_id: str) -> Response:
    """End one of one's own sessions; of an unknown one nothing is said."""
    sessions.end_session(core(), person().id, session_id)
    return go(url_for("console.account", said=Said.ENDED), 303)
