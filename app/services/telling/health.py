"""Can this process do its work?"""

from __future__ import annotations

from app.db import migrate
from app.domain.errors import DatabaseUnavailable
from app.services.core import Core


def readiness(core: Core) -> str:
    """Explain what keeps this process from working, or "" when nothing does."""
    try:
        stored, wanted = migrate.current(core.db), migrate.NEWEST
    except DatabaseUnavailable as error:
        return str(error)
    if stored != wanted:
        return f"The database is at version {stored or 'none'} and this program wants {wanted}. Run “picward migrate”."
    return ""
