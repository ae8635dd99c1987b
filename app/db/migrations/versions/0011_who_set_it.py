"""Ask owners about what a site may have set for itself, and tell accounts apart whose names look alike.

Until now whoever spoke for a site could change all its settings, under any name. What is set stays as it is, so that no site
stops working; the trail tells which settings an owner is asked about.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import sqlalchemy as sa
from alembic import op

from app.domain.names import AT_THE_SITE, NAME_CHARACTERS, alike, is_claim

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_OPENING = frozenset({"private_network", "tell_webhook", "tell_emails", "console_link"})
"""What opens something: an owner is asked whatever name stands in the trail, since a site could give any."""

_OTHERS = frozenset(
    {"mode", "delete_blocked", "preview_days", "tell_hidden", "tell_parked", "tell_waiting_hours", "tell_trouble"}
)
"""What an owner is asked about when the name in the trail is no account's, or that of a guest."""

_CHANGED = re.compile(r"(?:^|; )([a-z_]+): (?=.* → )")

_SITES = sa.table("sites", sa.column("id", sa.String), sa.column("settings", sa.JSON), sa.column("unconfirmed", sa.JSON))
_AUDIT = sa.table(
    "audit",
    *(sa.column(name, sa.String) for name in ("site_id", "actor", "action", "media_id", "text")),
    *(sa.column(name, sa.BigInteger) for name in ("id", "at")),
)
_PEOPLE = sa.table("people", sa.column("id", sa.BigInteger), *(sa.column(n, sa.String) for n in ("email", "name", "password")))


def upgrade() -> None:
    op.add_column("sites", sa.Column("unconfirmed", sa.JSON, nullable=False, server_default="[]"))
    connection = op.get_bind()
    people = connection.execute(sa.select(_PEOPLE).order_by(_PEOPLE.c.id)).all()
    known = {row.name for row in people if row.password} | {"the command line"}
    for site_id, settings in connection.execute(sa.select(_SITES.c.id, _SITES.c.settings)).all():
        asked = sorted(set(_self_set(connection, site_id, known)) & set(settings))
        if asked:
            connection.execute(sa.update(_SITES).where(_SITES.c.id == site_id).values(unconfirmed=asked))
    _tell_apart(connection, people)


def _self_set(connection: sa.Connection, site_id: str, known: set[str]) -> Iterator[str]:
    """Name the settings that somebody may have changed who only spoke for the site; the last to change each counts."""
    lines = sa.select(_AUDIT.c.actor, _AUDIT.c.text).where(_AUDIT.c.site_id == site_id, _AUDIT.c.action == "settings.saved")
    seen: set[str] = set()
    for actor, text in connection.execute(lines.order_by(_AUDIT.c.id.desc())):
        for name in _CHANGED.findall(text):
            if name not in seen and (name in _OPENING or (name in _OTHERS and actor not in known)):
                yield name
            seen.add(name)


def _tell_apart(connection: sa.Connection, people: Sequence[sa.Row[Any]]) -> None:
    """Mark guests' names as claims, and put the e-mail beside the names of accounts that look alike."""
    for row in people:
        if not row.password and not is_claim(row.name):
            _rename(connection, row.id, (AT_THE_SITE + row.name)[:NAME_CHARACTERS])
    accounts = [row for row in people if row.password]
    doubles = {one.id for pair in combinations(accounts, 2) if alike(pair[0].name, pair[1].name) for one in pair}
    for row in accounts:
        if row.id in doubles:
            beside = f" ({row.email})"[:NAME_CHARACTERS]
            called = row.name[: NAME_CHARACTERS - len(beside)] + beside
            _rename(connection, row.id, called)
            line = {"at": time.time_ns() // 1_000, "site_id": "", "actor": "Picward", "action": "person.renamed", "media_id": ""}
            text = f"{row.name} is called {called} now: another account's name looks like it"
            connection.execute(sa.insert(_AUDIT).values(**line, text=text))


def _rename(connection: sa.Connection, person_id: int, name: str) -> None:
    connection.execute(sa.update(_PEOPLE).where(_PEOPLE.c.id == person_id).values(name=name))


def downgrade() -> None:
    op.drop_column("sites", "unconfirmed")
