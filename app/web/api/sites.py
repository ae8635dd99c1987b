"""Sites: all that the token sees, one with what is found and what waits, paused, resumed, looked at."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from app.domain.errors import PairingRefused, SiteUnknown
from app.domain.platform import SiteState
from app.services.people.tokens import Scope, Token
from app.services.pipeline import scan
from app.services.sites import sites
from app.web.api import shapes
from app.web.api.operations import operation, own
from app.web.security import core


def _site(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("id", "platform", "name", "state", "problem")}


def _whole(site_id: str) -> shapes.SiteWhole:
    row = sites.get_row(core(), site_id)
    counted = sites.summary(core(), site_id)
    summary = shapes.Summary(
        found=counted["found"],
        checked_at=shapes.moment(counted["checked_at"]),
        last_delivery_at=shapes.moment(counted["last_delivery_at"]),
        decided=counted["checked"],
        parked=[shapes.Parked(**item) for item in counted["parked"]],
        **{name: counted[name] for name in ("blocked", "waiting", "oldest_waiting_seconds", "queued", "oldest_queued_seconds")},
    )
    return shapes.SiteWhole(**_site(row), summary=summary)


@operation("GET", "/sites", Scope.READ, shapes.SiteList)
def list_sites(token: Token) -> shapes.SiteList:
    """List the sites that the token sees."""
    return shapes.SiteList(items=[shapes.Site(**_site(row)) for row in sites.listing(core()) if token.sees(row.id)])


@operation("GET", "/sites/<site_id>", Scope.READ, shapes.SiteWhole, raises=(SiteUnknown,))
def read_site(token: Token, site_id: str) -> shapes.SiteWhole:
    """Give one site, with what was decided and what waits."""
    own(token, site_id)
    return _whole(site_id)


@operation("POST", "/sites/<site_id>/pause", Scope.CONNECT, shapes.SiteWhole, raises=(SiteUnknown, PairingRefused))
def pause_site(token: Token, site_id: str) -> shapes.SiteWhole:
    """Take the site's deliveries, but judge and write back nothing until it is resumed."""
    own(token, site_id)
    sites.set_state(core(), site_id, SiteState.PAUSED, token.actor)
    return _whole(site_id)


@operation("POST", "/sites/<site_id>/resume", Scope.CONNECT, shapes.SiteWhole, raises=(SiteUnknown, PairingRefused))
def resume_site(token: Token, site_id: str) -> shapes.SiteWhole:
    """Go on with what waited while the site was paused."""
    own(token, site_id)
    sites.set_state(core(), site_id, SiteState.ACTIVE, token.actor)
    return _whole(site_id)


@operation("POST", "/sites/<site_id>/scan", Scope.CONNECT, shapes.Asked, status=HTTPStatus.ACCEPTED, raises=(SiteUnknown,))
def scan_site(token: Token, site_id: str) -> shapes.Asked:
    """Look at every picture that is at the platform already; workers do it, page by page, and an interrupted scan goes on."""
    own(token, site_id)
    scan.ask(core(), site_id, token.actor)
    return shapes.Asked(queued=True)
