"""Tokens of programs, stored as their sha256 only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from app.db.tables import api_tokens


def add(
    connection: Connection,
    *,
    digest: str,
    name: str,
    scopes: Sequence[str],
    site_id: str,
    created_by: str,
    created_at: int,
    expires_at: int,
) -> int:
    statement = insert(api_tokens).values(
        digest=digest,
        name=name,
        scopes=list(scopes),
        site_id=site_id,
        created_by=created_by,
        created_at=created_at,
        expires_at=expires_at,
    )
    return int(connection.execute(statement.returning(api_tokens.c.id)).scalar_one())


def find(connection: Connection, digest: str, now: int) -> Row[Any] | None:
    """Give a token that works now, by its digest."""
    query = select(api_tokens).where(
        api_tokens.c.digest == digest, api_tokens.c.expires_at > now, api_tokens.c.revoked_at.is_(None)
    )
    return connection.execute(query).one_or_none()


def every(connection: Connection) -> Sequence[Row[Any]]:
    return connection.execute(select(api_tokens).order_by(api_tokens.c.id.desc())).all()


def used(connection: Connection, token_id: int, now: int) -> None:
    connection.execute(update(api_tokens).where(api_tokens.c.id == token_id).values(used_at=now))


def revoke(connection: Connection, token_id: int, now: int) -> str | None:
    """Make a token worthless; give its name, or None when there is none or it was revoked before."""
    statement = update(api_tokens).where(api_tokens.c.id == token_id, api_tokens.c.revoked_at.is_(None))
    return connection.execute(statement.values(revoked_at=now).returning(api_tokens.c.name)).scalar_one_or_none()
