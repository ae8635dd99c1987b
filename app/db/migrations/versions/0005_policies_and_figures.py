"""Figures per day, notices, pictures that are tried, and indexes for what policies did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import ceil, log2
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


_DAY = 86_400 * 1_000_000
_CHUNK = 10_000


def _index(name: str, table: str, columns: list[str], condition: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))


def upgrade() -> None:
    _index("ix_decisions_confirmed", "decisions", ["site_id", "sha256", "id"], "person <> ''")
    _index("ix_decisions_blocked", "decisions", ["site_id", "policy_version"], "verdict = 'block'")
    _index("ix_enforcements_hidden", "enforcements", ["site_id", "ended_at"], "action = 'hide' AND state = 'done'")
    op.create_table(
        "tallies",
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("category", sa.String(80), nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("site_id", "name", "category", "day", name=op.f("pk_tallies")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_tallies_site_id")),
    )
    op.create_table(
        "notices",
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("run_at", sa.BigInteger, nullable=False),
        sa.Column("covers_until", sa.BigInteger, nullable=False),
        sa.Column("reminded_at", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("trouble", sa.Text, nullable=False, server_default=""),
        sa.Column("digest", sa.LargeBinary, nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("problem", sa.Text, nullable=False, server_default=""),
        sa.Column("secret", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_notices")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_notices_site_id")),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("picture", sa.LargeBinary, nullable=True),
        sa.Column("answer", sa.LargeBinary, nullable=True),
        sa.Column("shown", sa.LargeBinary, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    _index("ix_attempts_due", "attempts", ["created_at"], "state = 'due'")
    _count_what_was(op.get_bind())


_decisions = sa.table(
    "decisions",
    *(sa.column(name) for name in ("id", "site_id", "job_id", "verdict", "person", "policy_version", "supersedes", "decided_at")),
    sa.column("reasons", sa.JSON),
)
_jobs = sa.table("jobs", *(sa.column(name) for name in ("id", "created_at", "priority", "state", "ended_at")))
_actions = sa.table("enforcements", *(sa.column(name) for name in ("id", "site_id", "action", "state", "ended_at")))
_audit = sa.table("audit", *(sa.column(name) for name in ("id", "site_id", "action", "at")))
_tallies = sa.table("tallies", *(sa.column(name) for name in ("site_id", "day", "name", "category", "count")))

_Key = tuple[str, int, str, str]


def _count_what_was(connection: sa.Connection) -> None:
    """Count what happened before figures were counted: one pass over the decisions, the actions and the trail."""
    counted: Counter[_Key] = Counter()
    _count_decisions(connection, counted)
    for _, site, action, at in _pages(
        connection,
        sa.select(_actions.c.id, _actions.c.site_id, _actions.c.action, _actions.c.ended_at).where(_actions.c.state == "done"),
        _actions.c.id,
    ):
        if at and action in ("hide", "restore"):
            counted[site, at // _DAY, "hidden" if action == "hide" else "restored", ""] += 1
    looks = sa.select(_audit.c.id, _audit.c.site_id, _audit.c.at).where(_audit.c.action == "preview.revealed")
    for _, site, at in _pages(connection, looks, _audit.c.id):
        counted[site, at // _DAY, "exposed", ""] += 1
    _note_waiting(connection, counted)
    rows = [
        {"site_id": site, "day": day, "name": name, "category": category, "count": count}
        for (site, day, name, category), count in counted.items()
        if count and site
    ]
    for start in range(0, len(rows), _CHUNK):
        connection.execute(sa.insert(_tallies), rows[start : start + _CHUNK])


def _pages(connection: sa.Connection, query: sa.Select[Any], key: sa.ColumnClause[Any]) -> Iterator[Any]:
    last = 0
    while rows := connection.execute(query.where(key > last).order_by(key).limit(_CHUNK)).all():
        yield from rows
        last = rows[-1][0]


def _step(microseconds: int) -> str:
    return str(max(0, ceil(4 * log2(max(microseconds / 1_000_000, 0.001) * 1000) - 1e-9)))


def _asking(reasons: Any) -> set[str]:
    return {
        reason["category"]
        for reason in reasons or ()
        if reason.get("rule") and reason.get("mode") != "shadow" and reason["verdict"] != "allow" and reason["category"]
    }


def _count_decisions(connection: sa.Connection, counted: Counter[_Key]) -> None:
    earlier = _decisions.alias("earlier")
    asked = sa.case((_decisions.c.verdict != "allow", _decisions.c.reasons)).label("reasons")
    query = sa.select(
        _decisions.c.id,
        _decisions.c.site_id,
        _decisions.c.verdict,
        _decisions.c.person,
        _decisions.c.policy_version,
        _decisions.c.supersedes,
        _decisions.c.decided_at,
        _decisions.c.job_id,
        sa.type_coerce(asked, sa.JSON),
        earlier.c.job_id.label("earlier_job"),
        _jobs.c.created_at,
        _jobs.c.priority,
    ).select_from(
        _decisions.outerjoin(earlier, earlier.c.id == _decisions.c.supersedes).join(_jobs, _jobs.c.id == _decisions.c.job_id)
    )
    # What may be decided again by a person: how it was decided, when, and what for.
    open_: dict[int, tuple[str, str, int, set[str]]] = {}
    for row in _pages(connection, query, _decisions.c.id):
        site, day, verdict = row.site_id, row.decided_at // _DAY, row.verdict
        before = open_.pop(row.supersedes, None) if row.supersedes is not None else None
        if not row.person:
            asks = _asking(row.reasons) if row.policy_version is not None else set()
            if row.policy_version is not None and row.earlier_job != row.job_id:
                counted[site, day, "judged", verdict] += 1
                for category in asks if verdict != "allow" else ():
                    counted[site, day, "found", category] += 1
                if row.priority <= 1:
                    counted[site, day, "judged_in", _step(row.decided_at - row.created_at)] += 1
            if verdict != "allow":
                open_[row.id] = ("", verdict, row.decided_at, asks)
            continue
        if before is None:
            continue
        who, was, at, asks = before
        if who:
            _answer(counted, site, at // _DAY, was, asks, -1)
        _answer(counted, site, day, verdict, asks, 1)
        if not who and was == "review":
            counted[site, day, "answered", verdict] += 1
            counted[site, day, "answered_in", _step(row.decided_at - at)] += 1
        open_[row.id] = (row.person, verdict, row.decided_at, asks)


def _answer(counted: Counter[_Key], site: str, day: int, verdict: str, asked: set[str], by: int) -> None:
    name = {"block": "confirmed", "allow": "overturned"}.get(verdict)
    for category in asked if name else ():
        counted[site, day, str(name), category] += by


def _note_waiting(connection: sa.Connection, counted: Counter[_Key]) -> None:
    """Note for each day how many waited at its end: reviews that nobody had answered and whose picture was there."""
    later = _decisions.alias("later")
    query = (
        sa.select(
            _decisions.c.id,
            _decisions.c.site_id,
            _decisions.c.decided_at,
            later.c.decided_at.label("answered_at"),
            sa.case((_jobs.c.state == "gone", _jobs.c.ended_at)).label("gone_at"),
        )
        .select_from(
            _decisions.outerjoin(later, later.c.supersedes == _decisions.c.id).join(_jobs, _jobs.c.id == _decisions.c.job_id)
        )
        .where(_decisions.c.verdict == "review")
    )
    changes: dict[str, Counter[int]] = {}
    for row in _pages(connection, query, _decisions.c.id):
        of_site = changes.setdefault(row.site_id, Counter())
        of_site[row.decided_at // _DAY] += 1
        ends = [at for at in (row.answered_at, row.gone_at) if at]
        if ends:
            of_site[max(min(ends), row.decided_at) // _DAY] -= 1
    for site, of_site in changes.items():
        waiting = 0
        for day in range(min(of_site), max(of_site) + 1):
            waiting += of_site[day]
            counted[site, day, "waiting", ""] = waiting


def downgrade() -> None:
    for table in ("attempts", "notices", "tallies"):
        op.drop_table(table)
    op.drop_index("ix_enforcements_hidden", table_name="enforcements")
    for index in ("ix_decisions_blocked", "ix_decisions_confirmed"):
        op.drop_index(index, table_name="decisions")
