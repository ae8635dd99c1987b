"""Tokens of programs, stored as their sha256 only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from app.db.sql import columns, read_all, read_one, values
from app.db.tables import api_tokens


@dataclass(frozen=True, slots=True)
class NewToken:
    """Hold a token that is to be stored. `site_id` "" is every site."""

    digest: str
    name: str
    scopes: Sequence[str]
    site_id: str
    created_by: str
    created_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class TokenRow:
    """Hold a token. `site_id` "" is every site."""

    id: int
    name: str
    scopes: Sequence[str]
    site_id: str
    created_by: str
    created_at: int
    expires_at: int
    used_at: int | None
    revoked_at: int | None
    used_from: Sequence[str]


def add(connection: Connection, token: NewToken) -> int:
    return int(connection.execute(insert(api_tokens).values(values(token)).returning(api_tokens.c.id)).scalar_one())


_ALL = select(*columns(api_tokens, TokenRow))


def find(connection: Connection, digest: str, now: int) -> TokenRow | None:
    """Give a token that works now, by its digest."""
    works = (api_tokens.c.expires_at > now, api_tokens.c.revoked_at.is_(None))
    return read_one(connection, _ALL.where(api_tokens.c.digest == digest, *works), TokenRow)


def every(connection: Connection) -> list[TokenRow]:
    return read_all(connection, _ALL.order_by(api_tokens.c.id.desc()), TokenRow)


def used(connection: Connection, token_id: int, now: int, networks: Sequence[str]) -> None:
    """Keep when a token was used, and from which networks on that day."""
    connection.execute(update(api_tokens).where(api_tokens.c.id == token_id).values(used_at=now, used_from=networks))


def revoke(connection: Connection, token_id: int, now: int) -> str | None:
    """Make a token worthless; give its name, or None when there is none or it was revoked before."""
    statement = update(api_tokens).where(api_tokens.c.id == token_id, api_tokens.c.revoked_at.is_(None))
    return connection.execute(statement.values(revoked_at=now).returning(api_tokens.c.name)).scalar_one_or_none()
