"""Keep the keys that vendors publish to prove their deliveries by where every process finds them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "verification_keys",
        sa.Column("platform", sa.String(40), primary_key=True),
        sa.Column("text", sa.Text, nullable=False, server_default=""),
        sa.Column("fetched_at", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("tried_at", sa.BigInteger, nullable=False, server_default="0"),
    )


def downgrade() -> None:
    op.drop_table("verification_keys")
