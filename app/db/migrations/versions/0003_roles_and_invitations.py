"""People with roles and sites, invitations, and sessions that can be told apart; back-fills with a limit; figures of a site."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


_STANDINGS = """
INSERT INTO standings (site_id, allow, review, block)
SELECT site_id, SUM(CASE WHEN verdict = 'allow' THEN 1 ELSE 0 END), SUM(CASE WHEN verdict = 'review' THEN 1 ELSE 0 END),
  SUM(CASE WHEN verdict = 'block' THEN 1 ELSE 0 END)
FROM decisions WHERE NOT EXISTS (SELECT 1 FROM decisions AS later WHERE later.supersedes = decisions.id) GROUP BY site_id
"""


def _count_standings() -> None:
    op.create_table(
        "standings",
        sa.Column("site_id", sa.String(40), sa.ForeignKey("sites.id"), primary_key=True),
        sa.Column("allow", sa.Integer, nullable=False, server_default="0"),
        sa.Column("review", sa.Integer, nullable=False, server_default="0"),
        sa.Column("block", sa.Integer, nullable=False, server_default="0"),
    )
    op.execute(_STANDINGS)


def upgrade() -> None:
    op.add_column("people", sa.Column("sites", sa.JSON, nullable=False, server_default="[]"))
    op.add_column("people", sa.Column("disabled_at", sa.BigInteger, nullable=True))
    op.add_column("links", sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=True))
    op.add_column("links", sa.Column("email", sa.String(320), nullable=False, server_default=""))
    op.add_column("links", sa.Column("role", sa.String(40), nullable=False, server_default=""))
    op.add_column("links", sa.Column("sites", sa.JSON, nullable=False, server_default="[]"))
    op.add_column("links", sa.Column("created_at", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("links", sa.Column("created_by", sa.String(200), nullable=False, server_default=""))
    op.add_column("sessions", sa.Column("agent", sa.String(200), nullable=False, server_default=""))
    op.add_column("sites", sa.Column("missed", sa.Integer, nullable=False, server_default="0"))
    op.add_column("scans", sa.Column("counting", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("scans", sa.Column("stop_at", sa.Integer, nullable=False, server_default="0"))
    _count_standings()
    op.create_index("ix_deliveries_received", "deliveries", ["site_id", "received_at"])
    op.create_index("ix_deliveries_unreadable", "deliveries", ["site_id", "id"], **_where("problem <> ''"))
    op.create_index("ix_jobs_queued", "jobs", ["site_id", "created_at"], **_where("state IN ('due', 'busy')"))
    op.create_index("ix_sessions_person", "sessions", ["person_id"])


def downgrade() -> None:
    op.drop_index("ix_sessions_person", table_name="sessions")
    op.drop_index("ix_jobs_queued", table_name="jobs")
    for index in ("ix_deliveries_unreadable", "ix_deliveries_received"):
        op.drop_index(index, table_name="deliveries")
    op.drop_table("standings")
    for column in ("stop_at", "counting"):
        op.drop_column("scans", column)
    op.drop_column("sites", "missed")
    op.drop_column("sessions", "agent")
    for column in ("created_by", "created_at", "sites", "role", "email", "person_id"):
        op.drop_column("links", column)
    for column in ("disabled_at", "sites"):
        op.drop_column("people", column)
