"""Let all decisions about a picture have the rights of the severest, and drop previews of what is restricted."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


_SEVERE = """
    UPDATE decisions SET {flag} = true WHERE NOT {flag} AND job_id IN (
        SELECT other.id FROM jobs AS other JOIN jobs AS judged ON other.site_id = judged.site_id
            AND other.media_id = judged.media_id AND other.version = judged.version
        JOIN decisions AS severe ON severe.job_id = judged.id WHERE severe.{flag})
"""
_PREVIEWS = """
    DELETE FROM previews WHERE EXISTS (
        SELECT 1 FROM decisions WHERE decisions.site_id = previews.site_id AND decisions.sha256 = previews.sha256
            AND decisions.restricted)
"""


def upgrade() -> None:
    op.execute(_SEVERE.format(flag="restricted"))
    op.execute(_SEVERE.format(flag="two_people"))
    op.execute(_PREVIEWS)


def downgrade() -> None:
    pass  # nothing tells which decisions were open before
