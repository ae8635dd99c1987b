"""Can this process do its work?"""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from app.db import migrate
from app.services.core import Core


def readiness(core: Core) -> str:
    """Explain what keeps this process from working, or "" when nothing does."""
    try:
        with core.db.read() as connection:
            stored, wanted = migrate.revision(connection), migrate.NEWEST
    except SQLAlchemyError as error:
        return f"The database does not answer: {type(error).__name__}."
    if stored != wanted:
        return f"The database is at version {stored or 'none'} and this program wants {wanted}. Run “picward migrate”."
    return ""
