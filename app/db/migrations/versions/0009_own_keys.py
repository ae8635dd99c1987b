"""Note when sites got keys of their own: what was left at platforms before is signed with a secret that they know, too."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sites", sa.Column("own_key_at", sa.BigInteger, nullable=False, server_default="0"))
    op.execute(sa.text("UPDATE sites SET own_key_at = :now").bindparams(now=time.time_ns() // 1000))


def downgrade() -> None:
    op.drop_column("sites", "own_key_at")
