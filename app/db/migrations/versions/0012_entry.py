"""Sessions that end when nothing is done, passwords that are typed again, tries that are counted before they run."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("sessions", sa.Column("seen_at", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("sessions", sa.Column("proven_at", sa.BigInteger, nullable=False, server_default="0"))
    # Nobody is signed out by an update.
    sessions = sa.table("sessions", sa.column("seen_at", sa.BigInteger), sa.column("proven_at"), sa.column("created_at"))
    op.execute(sessions.update().values(seen_at=time.time_ns() // 1000, proven_at=sessions.c.created_at))
    op.add_column("api_tokens", sa.Column("used_from", sa.JSON, nullable=False, server_default="[]"))
    # The old rows counted for a quarter of an hour.
    op.drop_table("sign_in_tries")
    op.create_table(
        "sign_in_tries",
        sa.Column("key", sa.String(400), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("tried_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_sign_in_tries"),
    )
    op.create_table(
        "known_networks",
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("network", sa.String(50), nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_known_networks_person_id"),
        sa.PrimaryKeyConstraint("person_id", "network", name="pk_known_networks"),
    )


def downgrade() -> None:
    op.drop_table("known_networks")
    op.drop_table("sign_in_tries")
    op.create_table(
        "sign_in_tries",
        sa.Column("id", _ID, nullable=False),
        sa.Column("key", sa.String(400), nullable=False),
        sa.Column("tried_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_tries"),
    )
    op.create_index("ix_sign_in_tries_key", "sign_in_tries", ["key", "tried_at"])
    for table, column in (("api_tokens", "used_from"), ("sessions", "proven_at"), ("sessions", "seen_at")):
        with op.batch_alter_table(table) as batch:
            batch.drop_column(column)
