"""How many decisions are in force, per site and verdict: counted when one is stored, since a page cannot count a million."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, update

from app.db.sql import count_up
from app.db.tables import decisions, standings
from app.domain.decisions import Verdict

_VERDICT = select(decisions.c.verdict).where(decisions.c.id == bindparam("decision"))


def follow(connection: Connection, site_id: str, verdict: Verdict, supersedes: int | None) -> None:
    """Count a decision that was just stored, and no longer the one that it supersedes."""
    before = connection.execute(_VERDICT, {"decision": supersedes}).scalar_one_or_none() if supersedes is not None else None
    if before == verdict:
        return
    count_up(connection, standings, verdict, {"site_id": site_id, **{each: int(each is verdict) for each in Verdict}})
    if before is not None:
        fewer = {standings.c[before]: standings.c[before] - 1}
        connection.execute(update(standings).where(standings.c.site_id == site_id).values(fewer))


def counts(connection: Connection, site_id: str) -> dict[Verdict, int]:
    """Count the decisions in force by verdict."""
    query = select(*(standings.c[verdict] for verdict in Verdict)).where(standings.c.site_id == site_id)
    row = connection.execute(query).one_or_none()
    return dict(zip(Verdict, row or (0,) * len(Verdict), strict=True))
