"""The review queue, its leases and second opinions; batches, look-alikes, and what the history is searched by."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_NAME = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")
_ROWS = 5000

# As the taxonomy was when this was written: a migration does not change with the code.
_RESTRICTED = ("csae.known_hash", "csae.suspected", "ncii.known_hash", "terror.known_hash")
_TWO_PEOPLE = (*_RESTRICTED, "self_harm", "disturbing.corpse")


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _decision(*, primary_key: bool = True) -> sa.Column[Any]:
    key = sa.ForeignKey("decisions.id", ondelete="CASCADE")
    return sa.Column("decision_id", _ID, key, primary_key=primary_key, autoincrement=False)


def upgrade() -> None:
    _change_decisions()
    _make_tables()
    connection = op.get_bind()
    for rows in _chunks(connection):
        _fill(connection, rows)
    connection.execute(sa.text(_WAITING))


def _change_decisions() -> None:
    op.add_column("decisions", sa.Column("restored_version", sa.Integer, nullable=True))
    op.add_column("decisions", sa.Column("category", sa.String(80), nullable=False, server_default=""))
    op.add_column("decisions", sa.Column("name", _NAME, nullable=False, server_default=""))
    op.add_column("decisions", sa.Column("batch", sa.String(32), nullable=False, server_default=""))
    op.add_column("decisions", sa.Column("restricted", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("decisions", sa.Column("two_people", sa.Boolean, nullable=False, server_default=sa.false()))
    op.drop_index("ix_decisions_review", table_name="decisions")
    op.create_index("ix_decisions_site", "decisions", ["site_id", "id"])
    op.create_index("ix_decisions_verdict", "decisions", ["verdict", "id"])
    op.create_index("ix_decisions_policy", "decisions", ["policy_version", "id"])
    op.create_index("ix_decisions_decided", "decisions", ["decided_at", "id"])
    op.create_index("ix_decisions_category", "decisions", ["category", "id"], **_where("category <> ''"))
    op.create_index("ix_decisions_person", "decisions", ["person", "id"], **_where("person <> ''"))
    op.create_index("ix_decisions_batch", "decisions", ["batch"], **_where("batch <> ''"))
    op.create_index("ix_decisions_name", "decisions", ["site_id", "name"], **_where("name <> ''"))
    op.create_index("ix_enforcements_unusual", "enforcements", ["state", "decision_id"], **_where("state <> 'done'"))


def _make_tables() -> None:
    op.create_table(
        "waiting",
        _decision(),
        sa.Column("site_id", sa.String(40), sa.ForeignKey("sites.id", ondelete="CASCADE"), nullable=False),
        sa.Column("job_id", _ID, nullable=False),
        sa.Column("media_id", sa.String(400), nullable=False),
        sa.Column("parent", sa.String(400), nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("restricted", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("two_people", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("escalated", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("reviewer", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("reviewer_name", sa.String(200), nullable=False, server_default=""),
        sa.Column("leased_until", sa.BigInteger, nullable=False, server_default="0"),
    )
    op.create_index("ix_waiting_oldest", "waiting", ["since", "decision_id"])
    op.create_index("ix_waiting_severest", "waiting", ["rank", "since", "decision_id"])
    op.create_index("ix_waiting_seen", "waiting", ["site_id", "restricted", "escalated"])
    op.create_index("ix_waiting_media", "waiting", ["site_id", "media_id"])
    op.create_index("ix_waiting_parent", "waiting", ["site_id", "parent"])
    op.create_index("ix_waiting_reviewer", "waiting", ["reviewer"], **_where("reviewer <> 0"))
    op.create_table(
        "opinions",
        _decision(),
        sa.Column("person_id", sa.BigInteger, primary_key=True),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("category", sa.String(80), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "skips",
        _decision(),
        sa.Column("person_id", sa.BigInteger, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "preferences",
        sa.Column("person_id", sa.BigInteger, primary_key=True),
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
    )
    op.create_table(
        "batches",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("person_id", sa.BigInteger, nullable=False),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("rejection", sa.String(8), nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
    )
    op.create_index("ix_batches_created", "batches", ["created_at"])
    op.create_table(
        "batch_items",
        sa.Column("batch_id", sa.String(32), sa.ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
        _decision(),
        sa.Column("outcome", sa.String(16), nullable=False, server_default=""),
    )
    op.create_index("ix_batch_items_todo", "batch_items", ["batch_id", "decision_id"], **_where("outcome = ''"))
    op.create_index("ix_batch_items_decision", "batch_items", ["decision_id"])
    op.create_table(
        "looks",
        sa.Column("piece", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("job_id", _ID, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )


_OLD = """
SELECT d.id, d.job_id, d.verdict, d.person, d.supersedes, d.reasons, j.media_id, j.context, p.pdq
FROM decisions d JOIN jobs j ON j.id = d.job_id LEFT JOIN pictures p ON p.sha256 = d.sha256
WHERE d.id > :after ORDER BY d.id LIMIT :rows
"""

# What was waiting by the query that this table replaces: REVIEW, without a successor, still there.
_WAITING = """
INSERT INTO waiting (decision_id, site_id, job_id, media_id, parent, rank, since, restricted, two_people)
SELECT d.id, d.site_id, d.job_id, j.media_id, j.parent, 3 - d.severity, d.decided_at, d.restricted, d.two_people
FROM decisions d JOIN jobs j ON j.id = d.job_id
WHERE d.verdict = 'review' AND j.state = 'done' AND NOT EXISTS (SELECT 1 FROM decisions l WHERE l.supersedes = d.id)
"""


def _chunks(connection: sa.Connection) -> Iterator[list[Any]]:
    after = 0
    while True:
        rows = list(connection.execute(sa.text(_OLD), {"after": after, "rows": _ROWS}))
        if not rows:
            return
        yield rows
        after = rows[-1].id


def _fill(connection: sa.Connection, rows: list[Any]) -> None:
    """Derive the new columns of some decisions, in ascending order, and cut the looks of the questioned pictures."""
    flags: dict[int, tuple[bool, bool]] = {}
    values: list[dict[str, Any]] = []
    pieces: set[tuple[int, int]] = set()
    for row in rows:
        categories = [reason["category"] for reason in _read(row.reasons)]
        restricted = any(category in _RESTRICTED for category in categories)
        two_people = any(category in _TWO_PEOPLE for category in categories)
        if row.person and row.supersedes is not None:
            earlier = flags.get(row.supersedes) or _flags(connection, row.supersedes)
            restricted, two_people = restricted or earlier[0], earlier[1]
        flags[row.id] = restricted, two_people
        context = _read(row.context)
        name = next((context[key][0] for key in ("title", "file", "name") if context.get(key)), row.media_id)
        values.append(
            {
                "row": row.id,
                "category": (categories or [""])[0],
                "name": name.casefold()[:200],
                "restricted": restricted,
                "two_people": two_people,
            }
        )
        if row.pdq and (row.verdict != "allow" or row.person):
            pieces.update((place << 16 | int(row.pdq[place * 4 : place * 4 + 4], 16), row.job_id) for place in range(16))
    connection.execute(_UPDATE, values)
    if pieces:
        known = sa.text("INSERT INTO looks (piece, job_id) VALUES (:piece, :job) ON CONFLICT DO NOTHING")
        connection.execute(known, [{"piece": piece, "job": job} for piece, job in pieces])


_UPDATE = sa.text(
    "UPDATE decisions SET category = :category, name = :name, restricted = :restricted, two_people = :two_people WHERE id = :row"
)


def _flags(connection: sa.Connection, decision_id: int) -> tuple[bool, bool]:
    query = sa.text("SELECT restricted, two_people FROM decisions WHERE id = :row")
    row = connection.execute(query, {"row": decision_id}).one()
    return bool(row.restricted), bool(row.two_people)


def _read(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def downgrade() -> None:
    for table in ("looks", "batch_items", "batches", "preferences", "skips", "opinions", "waiting"):
        op.drop_table(table)
    op.drop_index("ix_enforcements_unusual", table_name="enforcements")
    for index in ("name", "batch", "person", "category", "decided", "policy", "verdict", "site"):
        op.drop_index(f"ix_decisions_{index}", table_name="decisions")
    op.create_index("ix_decisions_review", "decisions", ["site_id", "severity", "decided_at"], **_where("verdict = 'review'"))
    for column in ("two_people", "restricted", "batch", "name", "category", "restored_version"):
        op.drop_column("decisions", column)
