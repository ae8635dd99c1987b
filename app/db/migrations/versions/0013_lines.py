"""Whose turn it is: which due rows stand in front, and why a site's work waits."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_AHEAD = {
    "jobs": (("behind", ["site_id", "priority", "run_at"]), ("front", ["site_id"]), ("place", ["priority", "place"])),
    "enforcements": (("behind", ["site_id", "run_at"]), ("front", ["site_id", "parent"]), ("place", ["place"])),
}
_WHERE = {"behind": "state = 'due' AND place = 0", "front": "place > 0", "place": "state = 'due' AND place > 0"}
_BEFORE = {"jobs": ["site_id", "priority", "run_at"], "enforcements": ["site_id", "run_at"]}
_SERVED = {"jobs": "claimed_at", "enforcements": "enforced_at"}


def _index(table: str, name: str, columns: list[str], where: str) -> None:
    given = sa.text(where)
    op.create_index(f"ix_{table}_{name}", table, columns, sqlite_where=given, postgresql_where=given)


def upgrade() -> None:
    now = time.time_ns() // 1000
    for table, indexes in _AHEAD.items():
        op.drop_index(f"ix_{table}_due", table)
        op.add_column(table, sa.Column("place", sa.BigInteger, nullable=False, server_default="0"))
        rows = sa.table(table, sa.column("place"), sa.column("state"), sa.column("run_at"))
        # What is due stands behind, and the worker lines it up when it starts; what waits for its time goes on waiting.
        op.execute(rows.update().where(rows.c.state == "due", rows.c.run_at > now).values(place=-1))
        # What a worker has in hand counts as its site's: it stood in front.
        op.execute(rows.update().where(rows.c.state == "busy").values(place=1))
        for name, columns in indexes:
            _index(table, name, columns, _WHERE[name])
        _index(table, "time", ["run_at"], "state = 'due' AND place < 0")
        op.drop_column("sites", _SERVED[table])
    op.add_column("sites", sa.Column("share", sa.Integer, nullable=False, server_default="4"))
    op.add_column("sites", sa.Column("held_until", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("sites", sa.Column("held_why", sa.String(16), nullable=False, server_default=""))
    op.add_column("sites", sa.Column("failures", sa.Integer, nullable=False, server_default="0"))
    _index("sites", "held", ["held_until"], "held_until > 0")
    # A site in trouble is told of again when its trouble is still there, and is well when its next work succeeds.
    op.execute("UPDATE sites SET failures = 1 WHERE problem <> ''")


def downgrade() -> None:
    op.drop_index("ix_sites_held", "sites")
    for column in ("failures", "held_why", "held_until", "share"):
        op.drop_column("sites", column)
    for table, indexes in _AHEAD.items():
        for name, _ in (*indexes, ("time", [])):
            op.drop_index(f"ix_{table}_{name}", table)
        op.drop_column(table, "place")
        _index(table, "due", _BEFORE[table], "state = 'due'")
        op.add_column("sites", sa.Column(_SERVED[table], sa.BigInteger, nullable=False, server_default="0"))
