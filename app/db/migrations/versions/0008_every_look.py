"""The hashes of a picture's other looks; what was judged before has none, and is found by the one it has."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("signals", sa.Column("decoding", sa.Integer, nullable=False, server_default="1"))
    op.add_column("pictures", sa.Column("others", sa.Text, nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("signals", "decoding")
    op.drop_column("pictures", "others")
