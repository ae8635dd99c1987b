"""What sites' names look like, which sites are connected, and what was counted on a day, each by an index."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

from app.domain.names import looks

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

AT_ONCE = 500


def upgrade() -> None:
    made = op.create_table(
        "site_looks",
        sa.Column("look", sa.String(64), nullable=False),
        sa.Column("site_id", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("look", "site_id", name="pk_site_looks"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_site_looks_site_id"),
    )
    op.create_index("ix_site_looks_site", "site_looks", ["site_id"])
    op.create_index("ix_sites_state", "sites", ["state", "id"])
    op.create_index("ix_tallies_day", "tallies", ["day", "name"])
    names = op.get_bind().execute(sa.text("SELECT id, name FROM sites")).all()
    found = [
        {"look": hashlib.sha256(look.encode()).hexdigest(), "site_id": site_id} for site_id, name in names for look in looks(name)
    ]
    for first in range(0, len(found), AT_ONCE):
        op.bulk_insert(made, found[first : first + AT_ONCE])


def downgrade() -> None:
    op.drop_index("ix_tallies_day", "tallies")
    op.drop_index("ix_sites_state", "sites")
    op.drop_table("site_looks")
