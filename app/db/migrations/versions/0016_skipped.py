"""Count what is not judged, since it is no picture."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sites", sa.Column("skipped", sa.Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("sites", "skipped")
