"""Programs: the tokens that they use instead of a sign-in."""

from __future__ import annotations

from flask import redirect as go
from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from app.domain.errors import SettingsInvalid, SiteUnknown
from app.domain.roles import Right
from app.services.people import tokens
from app.services.people.tokens import Listed
from app.services.sites import sites
from app.web.console.guard import needs, person, room
from app.web.console.people.entry import Answer
from app.web.console.sites.choosing import choice
from app.web.console.words import Said
from app.web.security import core, number
from app.web.texts import _


@room.get("/programs")
@needs(Right.CONNECT)
def programs() -> str:
    """List the tokens that work, and those that did."""
    return _page({}, {})


def _page(values: dict[str, str], errors: dict[str, str]) -> str:
    listed = tokens.listing(core())
    return render_template(
        "people/tokens.html",
        working=[token for token in listed if _works(token)],
        ended=[token for token in listed if not _works(token)],
        names=sites.names(core(), {token.site_id for token in listed}),
        choice=choice(values.get("site", "")),
        may=tokens.SCOPES,
        values=values,
        chosen=request.form.getlist("scope"),
        errors=errors,
        days=tokens.DEFAULT_DAYS,
        most_days=tokens.MOST_DAYS,
    )


def _works(token: Listed) -> bool:
    return not token.revoked_at and token.expires_at > core().now()


@room.post("/programs")
@needs(Right.CONNECT)
def programs_make() -> Answer:
    """Make a token; it is in the answer and nowhere else."""
    said = request.form.get("site", "").strip()
    found = sites.meant(core(), (), said) if said else []
    if len(found) > 1:
        return _page(request.form.to_dict(), {"site": _("may be several sites; write its whole name, or its id")}), 422
    try:
        _id, token = tokens.make(
            core(),
            request.form.get("name", ""),
            request.form.getlist("scope"),
            person().name,
            site_id=found[0].id if found else said,
            days=number(request.form.get("days", "").strip()),
        )
    except SettingsInvalid as error:
        return _page(request.form.to_dict(), error.fields), 422
    except SiteUnknown:
        return _page(request.form.to_dict(), {"site": _("is not connected any more")}), 422
    return render_template("people/token.html", name=request.form.get("name", ""), token=token, address=core().public_url)


@room.post("/programs/<int(max=2147483647):token_id>/revoke")
@needs(Right.CONNECT)
def programs_revoke(token_id: int) -> Response:
    tokens.revoke(core(), token_id, person().name)
    return go(url_for("console.programs", said=Said.TOKEN_REVOKED), 303)
