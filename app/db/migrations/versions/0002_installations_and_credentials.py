"""Sites that install themselves, and credentials that are renewed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_DUE: dict[str, Any] = {"sqlite_where": sa.text("state = 'due'"), "postgresql_where": sa.text("state = 'due'")}
_PARENTED: dict[str, Any] = {"sqlite_where": sa.text("parent <> ''"), "postgresql_where": sa.text("parent <> ''")}
_KEYED: dict[str, Any] = {"sqlite_where": sa.text("key <> ''"), "postgresql_where": sa.text("key <> ''")}


def upgrade() -> None:
    op.add_column("sites", sa.Column("key", sa.String(200), nullable=False, server_default=""))
    op.add_column("sites", sa.Column("credentials", sa.LargeBinary, nullable=True))
    op.add_column("sites", sa.Column("renewing_until", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("sites", sa.Column("enforced_at", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("uq_sites_key", "sites", ["platform", "key"], unique=True, **_KEYED)
    op.add_column("sites", sa.Column("swept_at", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("ix_jobs_parent", "jobs", ["site_id", "parent"], **_PARENTED)
    op.add_column("scans", sa.Column("run_at", sa.BigInteger, nullable=False, server_default="0"))
    op.drop_index("ix_enforcements_due", table_name="enforcements")
    op.create_index("ix_enforcements_due", "enforcements", ["site_id", "run_at"], **_DUE)


def downgrade() -> None:
    op.drop_index("ix_enforcements_due", table_name="enforcements")
    op.create_index("ix_enforcements_due", "enforcements", ["run_at"], **_DUE)
    op.drop_column("scans", "run_at")
    op.drop_index("ix_jobs_parent", table_name="jobs")
    op.drop_index("uq_sites_key", table_name="sites")
    for column in ("swept_at", "enforced_at", "renewing_until", "credentials", "key"):
        op.drop_column("sites", column)
