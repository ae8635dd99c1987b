"""Add a site, connect it, connect it again, let it go."""

from __future__ import annotations

from typing import Any

from flask import jsonify, render_template, request, url_for
from flask import redirect as go
from werkzeug.wrappers import Response

from app.domain.errors import PairingRefused, PicwardError, SettingsInvalid
from app.domain.platform import Platform, Site, SiteState
from app.domain.roles import Right
from app.domain.settings import declare
from app.services.sites import connecting, sites
from app.web.console.guard import needs, own_site, person, room
from app.web.console.people.entry import Answer
from app.web.console.words import Said
from app.web.security import core, encrypted
from app.web.texts import _, say

CODE_COOKIE = "picward_code"
CODE_MINUTES = 15
"""How long the browser that made a pairing code can see it: long enough to paste it, and for a page that reloads itself."""

FIELD_CHARACTERS = 100_000
"""The longest that a connect field may be: a service account's key file has 2,400 characters, a bundle of certificates some
10,000."""


@room.route("/sites/add", methods=["GET", "POST"])
@needs(Right.CONNECT)
def site_add() -> Answer:
    """Choose a platform, then name the site and say how it is reached."""
    first = sites.none_yet(core())
    slug = request.values.get("platform", "")
    if not slug:
        platforms = sorted(core().platforms.values(), key=lambda platform: platform.name)
        return render_template("sites/add.html", platforms=platforms, platform=None, first=first)
    platform = core().platform(slug)
    if request.method == "GET" or platform.installs_itself:
        return _add_page(platform, first, {})
    try:
        site = connecting.add(
            core(),
            slug,
            request.form.get("name", ""),
            person().name,
            typed(platform),
            private_network="private_network" in request.form,
        )
    except SettingsInvalid as error:
        return _add_page(platform, first, error.fields, str(error)), 422
    except PicwardError as error:
        return _add_page(platform, first, {}, _("The connection was tested and does not work: %(why)s", why=say(str(error)))), 422
    if site.state is SiteState.ACTIVE:
        return go(url_for("console.site_connect", site_id=site.id), 303)
    return _with_code(site)


def typed(platform: Platform) -> dict[str, str]:
    """Read what was typed, or handed in as a file, for each connect field. Raise `SettingsInvalid` for what is no such text."""
    values, wrong = {}, {}
    for field in platform.connect_fields:
        name = f"connect-{field.name}"
        text = request.form.get(name, "").strip()
        if field.multiline and not text and (file := request.files.get(name)):
            try:
                text = file.stream.read(FIELD_CHARACTERS + 1).decode("utf-8-sig").strip()
            except UnicodeDecodeError:
                wrong[field.name] = "This file is no text"
        if len(text) > FIELD_CHARACTERS:
            wrong[field.name] = "is too long"
        values[field.name] = text
    if wrong:
        raise SettingsInvalid("Please look at the marked fields.", wrong)
    return values


def _add_page(platform: Platform, first: bool, errors: dict[str, str], problem: str = "") -> str:
    network = next((field for field in declare(platform.Settings) if field["name"] == "private_network"), None)
    return render_template(
        "sites/add.html",
        platforms=[],
        platform=platform,
        first=first,
        values=request.form,
        errors=errors,
        problem=problem,
        network=network,
    )


@room.route("/sites/<site_id>/reconnect", methods=["GET", "POST"])
@needs(Right.CONNECT)
def site_reconnect(site_id: str) -> Answer:
    """Change how a site is reached, as after its key was replaced; tested before it is stored."""
    site = own_site(site_id)
    platform = core().platform(site.platform)
    if not platform.connect_fields:
        return go(url_for("console.site_connect", site_id=site_id), 303)

    def page(errors: dict[str, str], problem: str = "") -> str:
        values = {f"connect-{name}": value for name, value in site.connection.items()} | request.form.to_dict()
        return render_template(
            "sites/reconnect.html", site=site, platform=platform, values=values, errors=errors, problem=problem
        )

    if request.method == "GET":
        return page({})
    try:
        connecting.reconnect(core(), site_id, typed(platform), person().name)
    except SettingsInvalid as error:
        return page(error.fields, str(error)), 422
    except PicwardError as error:
        return page({}, _("The connection was tested and does not work: %(why)s", why=say(str(error)))), 422
    return go(url_for("console.site", site_id=site_id, said=Said.CONNECTED), 303)


def _with_code(site: Site) -> Response:
    """Redirect to the page that connects a site, and let this browser see the code there for a while."""
    path = url_for("console.site_connect", site_id=site.id)
    answer = go(path, 303)
    answer.set_cookie(
        CODE_COOKIE, site.id, max_age=CODE_MINUTES * 60, httponly=True, samesite="Strict", secure=encrypted(), path=path
    )
    return answer


@room.get("/sites/<site_id>/connect")
@needs(Right.CONNECT)
def site_connect(site_id: str) -> Answer:
    """Show the steps, and the code to the browser that just made it."""
    site = own_site(site_id)
    pairing = site.state is SiteState.PAIRING
    shown = pairing and request.cookies.get(CODE_COOKIE) == site.id
    return render_template(
        "sites/connect.html",
        site=site,
        platform=core().platform(site.platform),
        summary=sites.summary(core(), site.id),
        steps=core().platform(site.platform).steps(site),
        pairing=pairing,
        code=connecting.pairing_code(core(), site) if shown else "",
        minutes=CODE_MINUTES,
        hours=connecting.PAIRING_HOURS,
    )


@room.get("/sites/<site_id>/state")
@needs(Right.CONNECT)
def site_state(site_id: str) -> Response:
    """Tell a waiting page whether the site was connected meanwhile."""
    state: Any = own_site(site_id).state
    return jsonify(state=state)


@room.post("/sites/<site_id>/code")
@needs(Right.CONNECT)
def site_code(site_id: str) -> Response:
    """Make a new pairing code; the site counts as not connected until it is used."""
    site = own_site(site_id)
    platform = core().platform(site.platform)
    if platform.connect_fields or platform.installs_itself:
        raise PairingRefused("This site is not connected by a pairing code.")
    return _with_code(connecting.renew_pairing(core(), site_id, person().name))


@room.post("/sites/<site_id>/check")
@needs(Right.CONFIGURE)
def site_check(site_id: str) -> Response:
    """Test the connection; the site's page shows what was found or what is wrong."""
    own_site(site_id)
    try:
        sites.check(core(), site_id)
    except PicwardError:
        return go(url_for("console.site", site_id=site_id), 303)
    return go(url_for("console.site", site_id=site_id, said=Said.CHECKED), 303)


@room.post("/sites/<site_id>/pause")
@needs(Right.CONNECT)
def site_pause(site_id: str) -> Response:
    sites.set_state(core(), own_site(site_id).id, SiteState.PAUSED, person().name)
    return go(url_for("console.site", site_id=site_id, said=Said.PAUSED), 303)


@room.post("/sites/<site_id>/resume")
@needs(Right.CONNECT)
def site_resume(site_id: str) -> Response:
    sites.set_state(core(), own_site(site_id).id, SiteState.ACTIVE, person().name)
    return go(url_for("console.site", site_id=site_id, said=Said.RESUMED), 303)


@room.route("/sites/<site_id>/disconnect", methods=["GET", "POST"])
@needs(Right.CONNECT)
def site_disconnect(site_id: str) -> Answer:
    """Ask once more, then forget the site's secrets."""
    site = own_site(site_id)
    if request.method == "GET":
        return _letting_go(site)
    sites.disconnect(core(), site_id, person().name)
    return go(url_for("console.site_list", said=Said.DISCONNECTED), 303)


@room.post("/sites/<site_id>/erase")
@needs(Right.CONNECT)
def site_erase(site_id: str) -> Answer:
    """Erase all that is kept of a site, once its name was typed."""
    site = own_site(site_id)
    if request.form.get("name", "").strip() != site.name.strip():
        return _letting_go(site, {"name": "is not the site's name"}), 422
    sites.erase(core(), site_id, person().name)
    return go(url_for("console.site_list", said=Said.ERASED), 303)


def _letting_go(site: Site, errors: dict[str, str] | None = None) -> str:
    return render_template(
        "sites/disconnect.html",
        site=site,
        platform=core().platform(site.platform),
        summary=sites.summary(core(), site.id),
        errors=errors or {},
    )
