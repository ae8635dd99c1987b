"""Which site a page is about: chosen from a list where there are few, told by its name where there are many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import abort, make_response, render_template, request

from app.domain.errors import SiteUnknown
from app.services.sites import sites
from app.web.console.guard import person
from app.web.security import core

SAID_CHARACTERS = 200
"""How much is read of what was typed: the longest name."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Hold what a field for a site offers: the names of all by id where they are `few`, else what to write into it."""

    few: Mapping[str, str] | None
    written: str = ""

    @property
    def offered(self) -> bool:
        return self.few is None or len(self.few) > 1


def choice(site_id: str = "") -> Choice:
    """Offer the sites that this person sees, of which one may be chosen already."""
    few = sites.few(core(), person().sites)
    if few is not None or not site_id:
        return Choice(few)
    name = sites.names(core(), [site_id]).get(site_id, site_id)
    return Choice(None, name if len(sites.meant(core(), person().sites, name)) == 1 else site_id)


def asked_site() -> str:
    """Read which site a page is asked about, by its id or what it is called; "" for all of them.

    Answer with the sites that may be meant when there are several, and raise `SiteUnknown` when there is none.
    """
    said = request.args.get("site", "").strip()[:SAID_CHARACTERS]
    if not said:
        return ""
    found = sites.meant(core(), person().sites, said)
    if not found:
        raise SiteUnknown(f"There is no site “{said}”.")
    if len(found) > 1:
        kept = {name: value for name, value in request.args.items() if name != "site"}
        links = [(f"{request.path}?{urlencode({**kept, 'site': row.id})}", row) for row in found]
        abort(make_response(render_template("sites/which.html", words=said, links=links, most=sites.PAGE)))
    return found[0].id
