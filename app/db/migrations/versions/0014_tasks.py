"""One table for what is due by time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", _ID, nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("again", sa.Boolean, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("quiet", sa.Integer, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("cursor", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("site_id", "kind", name="uq_tasks_site_id_kind"),
    )
    for name, condition in (("ix_tasks_due", "kind <> 'listen'"), ("ix_tasks_listen", "kind = 'listen'")):
        where = sa.text(condition)
        op.create_index(name, "tasks", ["due_at", "id"], sqlite_where=where, postgresql_where=where)
    # The first worker fills it from what is written of each site, and knows the platforms' intervals.


def downgrade() -> None:
    op.drop_table("tasks")
