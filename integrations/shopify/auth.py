"""Who visits, and the tokens that open a shop: Shopify's own `shopifyapp`, with what it leaves out.

It checks a session token's signature, times and audience; whose shop it is about is checked here. It builds and reads the
token requests; they go out over our own HTTP, which it knows nothing about. It is imported late: it is an optional extra.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

from app.domain.errors import (
    ClockWrong,
    CredentialsExpired,
    DeliveryRefused,
    DeliveryUnreadable,
    PicwardError,
    PlatformRefused,
    PlatformUnavailable,
)
from app.domain.events import Delivery
from app.domain.time import DAY, HOUR, SECOND, microseconds
from integrations.kit.answers import Answer
from integrations.kit.http import Session, json_body
from integrations.kit.untrusted import read_json
from integrations.shopify.answers import explain
from integrations.shopify.config import Config

if TYPE_CHECKING:
    from shopify_app import ShopifyApp, TokenExchangeResult

ACCESS_SECONDS = HOUR // SECOND
"""How long a token lives whose answer does not say: https://shopify.dev/docs/apps/build/authentication-authorization."""

REFRESH_SECONDS = 90 * DAY // SECOND
"""How long a refresh token lives, when its answer does not say."""

TOKEN_SECONDS = 25.0
"""How long one token request may take: two of them end within the minute that the renewal's lock is held."""

_log = logging.getLogger(__name__)

REOPEN = "Open Picward once in the shop's admin, so that Shopify gives it a new token."

LEEWAY_SECONDS = 10
"""How far two clocks may be apart, as in all of Shopify's own libraries."""

RENEWED = "renewed"
"""Names in an address when its visitor was sent for a fresh token, in Unix seconds of our clock."""

FRESH_SECONDS = 60
"""How old the token of who was just sent for a fresh one can be: they live for a minute."""

FURTHEST_SECONDS = 365 * DAY // SECOND
"""What is further ahead is no clock's fault."""

_SHOP = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
_MAX_SHOP = 100
_MAX_TOKEN = 4_000
_CLAIMS = ("iss", "dest", "aud", "sub", "exp", "nbf", "jti", "sid")


def is_shop(text: str) -> bool:
    """Tell whether a text is a shop's myshopify domain and nothing else; only then may it become part of an address."""
    return len(text) <= _MAX_SHOP and _SHOP.fullmatch(text) is not None


def installed() -> bool:
    """Tell whether the optional extra is there."""
    return find_spec("shopify_app") is not None


def _app(config: Config, secret: str) -> ShopifyApp:
    from shopify_app import ShopifyApp

    return ShopifyApp(config.client_id, secret, config.old_client_secret or None)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who opened a page inside a shop's admin. `token` can be traded for the shop's credentials, within a minute."""

    shop: str
    user: str
    token: str = field(repr=False)


def visitor(config: Config, visit: Delivery) -> Visitor:
    """Prove a visit by its session token: `id_token` in a document's address, or `Authorization: Bearer` of a fetch.

    Raise nothing but `DeliveryRefused`.
    """
    token = _session_token(visit)
    refused = DeliveryRefused("The session token is not one of Shopify's for this app.")
    if not 0 < len(token) <= _MAX_TOKEN or not token.isascii():
        raise refused
    request = {"method": "GET", "url": "https://app.invalid/", "headers": {"authorization": f"Bearer {token}"}, "body": ""}
    try:
        result = _app(config, config.client_secret).verify_app_home_req(cast(Any, request), "/unused")
    except Exception:  # the library reads claims without looking at their types
        raise refused from None
    if not result.ok or result.id_token is None:
        raise _apart(config, visit, token) or refused
    claims = result.id_token.claims
    if any(claims.get(name) in (None, "") for name in _CLAIMS):
        raise refused
    shop = _host(claims["dest"])
    # Only who knows our secret could make such a token; nothing that follows shall depend on that alone.
    if not is_shop(shop) or claims["dest"] != f"https://{shop}" or not str(claims["iss"]).startswith(f"https://{shop}/"):
        raise refused
    return Visitor(shop, str(claims["sub"])[:40], token)


def _apart(config: Config, visit: Delivery, token: str) -> ClockWrong | None:
    """Tell a token of Shopify's that is from another time because our clock is wrong: one from the future, or one that is too old
    although its visitor was just sent for it."""
    import jwt

    claims: dict[str, Any] = {}
    unchecked: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    for secret in config.secrets:
        # As above: the library reads claims without looking at their types.
        with suppress(Exception):
            claims = jwt.decode(token, secret, algorithms=["HS256"], audience=config.client_id, options=unchecked)
    now, begins, ends = visit.received_at / SECOND, claims.get("nbf"), claims.get("exp")
    if not isinstance(begins, int | float) or not isinstance(ends, int | float):
        return None
    behind, late = begins - now, now - ends
    if LEEWAY_SECONDS < behind < FURTHEST_SECONDS:
        return _clock(f"{behind:.0f} seconds behind")
    if LEEWAY_SECONDS < late < FURTHEST_SECONDS and 0 <= now - _renewed_at(visit) < FRESH_SECONDS:
        return _clock(f"at least {late:.0f} seconds ahead of")
    return None


def _clock(where: str) -> ClockWrong:
    said = f"This server's clock is {where} Shopify's, so that no visit can be proven. Set the clock, best by NTP."
    _log.warning("%s", said)
    return ClockWrong(said)


def _renewed_at(visit: Delivery) -> int:
    try:
        found = parse_qs(urlsplit(visit.path).query, max_num_fields=50).get(RENEWED, [])
    except ValueError:
        return 0
    return int(found[0]) if len(found) == 1 and re.fullmatch("[0-9]{1,12}", found[0]) else 0


def _session_token(visit: Delivery) -> str:
    scheme, _, token = visit.headers.get("authorization", "").partition(" ")
    if scheme:
        return token if scheme == "Bearer" else ""
    try:
        found = parse_qs(urlsplit(visit.path).query, max_num_fields=50).get("id_token", [])
    except ValueError:
        return ""
    return found[0] if len(found) == 1 else ""


def _host(address: object) -> str:
    try:
        return urlsplit(address).hostname or "" if isinstance(address, str) else ""
    except ValueError:
        return ""


class _Refused(Exception):
    """Carry the `error` of OAuth by which the token endpoint says no."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A shop's tokens. They are stored as `Site.credentials`: access_token, expires_at, refresh_token,
    refresh_expires_at, scope, obtained_at; times in UTC microseconds."""

    config: Config

    def exchange(self, shop: str, session_token: str) -> Mapping[str, Any]:
        """Trade a session token for an expiring offline token. Raise `DeliveryRefused` when it is too old by now."""
        proof = {"exchangeable": True, "token": session_token, "claims": {"dest": f"https://{shop}"}}

        def ask(app: ShopifyApp) -> TokenExchangeResult:
            return app.exchange_using_token_exchange("offline", proof, expiring=True, http_client=self._http(shop))

        try:
            return _credentials(self._with_each_secret(ask), {})
        except _Refused as refusal:
            if str(refusal) == "invalid_subject_token":
                raise DeliveryRefused("The session token is too old.") from None
            raise _unfit(refusal) from None

    def refresh(self, shop: str, current: Mapping[str, Any]) -> Mapping[str, Any]:
        """Trade a refresh token for a new pair, or for credentials without any when Shopify no longer accepts it.

        The old refresh token works until the new pair is first used, so an answer that was lost is asked for again.
        """
        token = current.get("refresh_token")
        if not isinstance(token, str) or not token:
            raise CredentialsExpired(f"The shop's token cannot be renewed. {REOPEN}")
        pair = {"shop": shop.removesuffix(".myshopify.com"), "refresh_token": token, "expires": "", "access_mode": "offline"}

        def ask(app: ShopifyApp) -> TokenExchangeResult:
            return app.refresh_token_exchanged_access_token(pair, http_client=self._http(shop))

        try:
            return _credentials(self._with_each_secret(ask), current)
        except PlatformUnavailable as error:
            if error.retry_after is not None:
                raise
        except _Refused as refusal:
            return _without_tokens(current, refusal)
        try:
            return _credentials(self._with_each_secret(ask), current)
        except _Refused as refusal:
            return _without_tokens(current, refusal)

    def _with_each_secret(self, ask: Callable[[ShopifyApp], TokenExchangeResult]) -> TokenExchangeResult:
        """Ask with the new secret, then with the old one: a token is bound to the secret that it was made with."""
        refusal = _Refused("invalid_client")
        for secret in self.config.secrets:
            try:
                return ask(_app(self.config, secret))
            except _Refused as error:
                refusal = error
                if str(error) != "invalid_client":
                    break
        raise refusal

    def _http(self, shop: str) -> Any:
        return _Http(self.config, shop)


def _without_tokens(current: Mapping[str, Any], refusal: _Refused) -> Mapping[str, Any]:
    if str(refusal) not in ("invalid_grant", "invalid_client"):
        raise _unfit(refusal) from None
    return {**current, "access_token": "", "refresh_token": ""}


def _unfit(refusal: _Refused) -> PicwardError:
    if str(refusal) == "invalid_client":
        return CredentialsExpired(
            "Shopify does not know the app, or the shop uninstalled it. Compare PICWARD_SHOPIFY_CLIENT_ID and "
            "PICWARD_SHOPIFY_CLIENT_SECRET with the app's settings at Shopify."
        )
    return PlatformRefused(f"Shopify gave no token ({refusal}).")


def _credentials(result: TokenExchangeResult, before: Mapping[str, Any]) -> Mapping[str, Any]:
    token = result.access_token
    if not result.ok or token is None or not token.token:
        raise PlatformUnavailable("Shopify's answer holds no token.")
    now = time.time_ns() // 1_000
    return {
        "access_token": token.token,
        "expires_at": microseconds(token.expires or "") or now + ACCESS_SECONDS * SECOND,
        "refresh_token": token.refresh_token or before.get("refresh_token", ""),
        "refresh_expires_at": microseconds(token.refresh_token_expires or "") or now + REFRESH_SECONDS * SECOND,
        "scope": token.scope or before.get("scope", ""),
        "obtained_at": now,
    }


class _Http:
    """Carry the library's token requests over our own HTTP: checked addresses, bounded in bytes and seconds."""

    def __init__(self, config: Config, shop: str) -> None:
        self._session = Session(config.private_network)
        self._url = f"{config.origin(shop)}/admin/oauth/access_token"

    def post(self, url: str, *, headers: Mapping[str, str], json: Mapping[str, object]) -> _Response:
        """Post to the shop's token address; which one the library would take is not asked."""
        answer = self._session.request(
            "POST", self._url, headers=headers, body=json_body(json), total_seconds=TOKEN_SECONDS, explain=_explain
        )
        return _Response(answer)


class _Response:
    """A 2xx answer as httpx would show it, as far as the library looks."""

    status_code = 200

    def __init__(self, answer: Answer) -> None:
        self.headers = answer.headers
        try:
            read = read_json(answer.body)
            self._fields: dict[str, Any] = {
                "access_token": read.text("access_token", 1_000),
                "scope": read.text("scope", 5_000, default=""),
                "refresh_token": read.text("refresh_token", 1_000, default="") or None,
                "expires_in": read.integer("expires_in", 1, 10**9, default=ACCESS_SECONDS),
                "refresh_token_expires_in": read.integer("refresh_token_expires_in", 1, 10**9, default=REFRESH_SECONDS),
            }
        except DeliveryUnreadable:
            raise PlatformUnavailable(f"{answer.host} answered something that is no token.") from None
        self.text = ""  # the library puts it into a log entry

    def json(self) -> dict[str, Any]:
        return self._fields


def _explain(answer: Answer) -> PicwardError | None:
    if answer.status in (400, 401, 403):
        try:
            error = read_json(answer.body).label("error", 60)
        except DeliveryUnreadable:
            error = ""
        if re.fullmatch("[a-z_]{1,60}", error):
            raise _Refused(error)
    return explain(answer)
