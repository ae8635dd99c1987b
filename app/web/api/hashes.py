"""Hash lists of known pictures."""

from __future__ import annotations

from app.domain.detector import OWN_CATEGORY, HashEntry
from app.domain.errors import ScopeMissing, SettingsInvalid, SiteUnknown
from app.domain.taxonomy import CATEGORIES
from app.services.people.tokens import Scope, Token
from app.services.rules import lists
from app.services.sites import sites
from app.web.api import shapes
from app.web.api.operations import operation, own
from app.web.security import core


@operation(
    "POST",
    "/hashes",
    Scope.CONFIGURE,
    shapes.HashesImported,
    body=shapes.HashImport,
    raises=(SiteUnknown, SettingsInvalid, ScopeMissing),
)
def import_hashes(token: Token, body: shapes.HashImport) -> shapes.HashesImported:
    """Add hashes to a site's block or allow list, or to every site's; workers judge again what matches and was decided before."""
    if body.site_id:
        own(token, body.site_id)
        sites.get(core(), body.site_id)
    elif token.site_id:
        raise ScopeMissing("This token is limited to one site, and the list of every site is not its own. Name the site.")
    entries = [_entry(line, number) for number, line in enumerate(body.entries)]
    return shapes.HashesImported(added=lists.import_entries(core(), entries, body.site_id, token.actor))


def _entry(line: shapes.HashLine, number: int) -> HashEntry:
    category = line.category or OWN_CATEGORY[line.list]
    if category not in CATEGORIES:
        field = f"entries.{number}.category"
        raise SettingsInvalid(f"There is no category “{category}”.", {field: "is no category"})
    return HashEntry(line.kind, line.value, line.list, category, line.note)
