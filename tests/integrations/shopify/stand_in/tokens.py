"""Session tokens, and the token endpoint: exchange, expiry and the rotation of refresh tokens."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt

if TYPE_CHECKING:
    from tests.integrations.shopify.stand_in.server import Shopify
    from tests.integrations.shopify.stand_in.shop import Shop

ACCESS_SECONDS = 3_600
REFRESH_SECONDS = 7_776_000
RETRY_SECONDS = 30 * 86_400
"""For so long after its first use an old refresh token may be tried again, as long as its replacement was not used."""

LEEWAY_SECONDS = 10
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"


class TokenRefused(Exception):
    """Be an answer of the token endpoint: the body's `error`, with status 400 as OAuth 2.0 has it."""


@dataclass(eq=False)
class Grant:
    """Be an access token with its refresh token, minted with one of the app's secrets."""

    secret: str
    scope: str
    now: float
    expiring: bool = True
    access: str = field(default_factory=lambda: "shpat_" + secrets.token_hex(16), repr=False)
    refresh: str = field(default_factory=lambda: "shprt_" + secrets.token_hex(16), repr=False)
    used: bool = False
    dead: bool = False
    refresh_dead: bool = False
    successor: Grant | None = field(default=None, repr=False)
    refreshed_at: float = 0.0

    def __post_init__(self) -> None:
        self.expires = self.now + ACCESS_SECONDS
        self.refresh_expires = self.now + REFRESH_SECONDS

    def answer(self) -> dict[str, Any]:
        if not self.expiring:
            return {"access_token": self.access, "scope": self.scope}
        return {
            "access_token": self.access,
            "scope": self.scope,
            "expires_in": ACCESS_SECONDS,
            "refresh_token": self.refresh,
            "refresh_token_expires_in": REFRESH_SECONDS,
        }


class Grants:
    """Hold the offline tokens of one shop.

    Two rules are not documented and taken at their strictest: a retry of a refresh kills the pair that the first try made, and
    an old access token works until its hour is over.
    """

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._grants: list[Grant] = []

    def exchange(self, *, secret: str = "", expiring: bool = True) -> Grant:
        with self.shop.lock:
            grant = Grant(
                secret or self.shop.shopify.secrets[0], ",".join(sorted(self.shop.scopes)), self.shop.shopify.now(), expiring
            )
            self._grants.append(grant)
            return grant

    def refresh(self, token: str, secret: str) -> Grant:
        """Trade a refresh token. Raise `TokenRefused` for one that is unknown, over, or whose replacement was used."""
        now = self.shop.shopify.now()
        with self.shop.lock:
            grant = next((one for one in self._grants if secrets.compare_digest(one.refresh, token)), None)
            if grant is None or not grant.expiring or grant.dead or grant.refresh_dead or now >= grant.refresh_expires:
                raise TokenRefused("invalid_grant")
            if grant.successor is not None:
                if grant.successor.used or now - grant.refreshed_at > RETRY_SECONDS:
                    raise TokenRefused("invalid_grant")
                grant.successor.dead = True
            else:
                grant.refreshed_at = now
            grant.successor = self.exchange(secret=secret)
            return grant.successor

    def holder(self, access: str) -> Grant | None:
        """Find the living grant of an access token; this is its use, which ends the old refresh token."""
        with self.shop.lock:
            for grant in self._grants:
                if secrets.compare_digest(grant.access, access):
                    over = grant.expiring and self.shop.shopify.now() >= grant.expires
                    if grant.dead or over or not self.shop.installed:
                        return None
                    grant.used = True
                    return grant
            return None

    def expire(self) -> None:
        for grant in self._grants:
            grant.expires = 0.0

    def kill_refresh(self) -> None:
        for grant in self._grants:
            grant.refresh_dead = True

    def kill(self, secret: str | None = None) -> None:
        """End all tokens, or those that were minted with one secret."""
        for grant in self._grants:
            grant.dead = grant.dead or secret in (None, grant.secret)


def id_token(shopify: Shopify, domain: str, secret: str | None, over: dict[str, Any]) -> str:
    now = int(shopify.now())
    claims = {
        "iss": f"https://{domain}/admin",
        "dest": f"https://{domain}",
        "aud": shopify.client_id,
        "sub": "42",
        "exp": now + 60,
        "nbf": now,
        "iat": now,
        "jti": secrets.token_hex(16),
        "sid": secrets.token_hex(32),
        **over,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, secret if secret is not None else shopify.signing_secret, algorithm="HS256")


def answer(shop: Shop, form: dict[str, Any]) -> dict[str, Any]:
    """Answer POST /admin/oauth/access_token. Raise `TokenRefused`."""
    shopify = shop.shopify
    secret = form.get("client_secret")
    if form.get("client_id") != shopify.client_id or secret not in shopify.secrets or not shop.installed:
        raise TokenRefused("invalid_client")
    if form.get("grant_type") == "refresh_token":
        return shop.grants.refresh(str(form.get("refresh_token", "")), secret).answer()
    if form.get("grant_type") != TOKEN_EXCHANGE:
        raise TokenRefused("unsupported_grant_type")
    if form.get("subject_token_type") != ID_TOKEN or form.get("requested_token_type") != OFFLINE:
        raise TokenRefused("invalid_request")
    _verify(shop, str(form.get("subject_token", "")))
    return shop.grants.exchange(secret=secret, expiring=str(form.get("expiring", 0)) == "1").answer()


def _verify(shop: Shop, token: str) -> None:
    now = shop.shopify.now()
    for secret in shop.shopify.secrets:
        try:
            claims = jwt.decode(
                token, secret, algorithms=["HS256"], audience=shop.shopify.client_id,
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )  # fmt: skip
        except jwt.InvalidTokenError:
            continue
        if (
            claims.get("dest") == f"https://{shop.domain}"
            and claims["nbf"] - LEEWAY_SECONDS <= now <= claims["exp"] + LEEWAY_SECONDS
        ):
            return
    raise TokenRefused("invalid_subject_token")
