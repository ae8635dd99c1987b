"""The Admin API of one shop: GraphQL over one pooled connection, its errors and its budget of points.

Our own transport, since Shopify's library drops the cost data, half of an answer that is half right, and waits only for 429.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

from app.domain.errors import (
    CredentialsExpired,
    DeliveryUnreadable,
    PicwardError,
    PlatformClosed,
    PlatformRefused,
    PlatformThrottled,
    PlatformUnavailable,
)
from app.domain.platform import Credentials, Site
from app.domain.time import SECOND
from integrations.kit.answers import Answer, code
from integrations.kit.http import Session, json_body
from integrations.kit.untrusted import Untrusted, read_json
from integrations.shopify import documents, scopes
from integrations.shopify.answers import CLOSED_SECONDS, asked_seconds, explain
from integrations.shopify.auth import REOPEN, Tokens, is_shop
from integrations.shopify.config import Config
from integrations.shopify.refusals import AGAIN_SECONDS, MEANINGS, Meaning, worded

ADMIN_SECONDS = 60.0
"""How long one request may take; Shopify itself ends a query after 10 to 30."""

INLINE_SECONDS = 2.0
"""A wait up to this is slept through here; a longer one gives the worker back and is left to the queue."""

INLINE_WAITS = 3
"""How often one request is slept for, so that a shop which others keep busy does not hold a worker."""

MARGIN_SECONDS = 60
"""A token is renewed when it lives no longer than this, as Shopify's own library does."""

_told: set[str] = set()
"""The other versions that Shopify answered with, each told once in a process."""

_SCOPE = re.compile(r"`([a-z_]{3,60})`")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cost:
    """What Shopify says a request cost, in points. https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits"""

    requested: float = 0.0
    actual: float = 0.0
    maximum: float = 0.0
    available: float = 0.0
    restore_rate: float = 0.0

    @property
    def wait_seconds(self) -> float:
        """Compute how long it takes until the bucket holds what was asked for."""
        return max(self.requested - self.available, 0.0) / self.restore_rate if self.restore_rate > 0 else 1.0


class _Wait(Exception):
    """The budget is used up for `seconds`; None when Shopify does not say."""

    def __init__(self, text: str, seconds: float | None) -> None:
        super().__init__(text)
        self.seconds = seconds


class _Renew(Exception):
    """The token may be the reason: it has expired, or predates a scope that was granted since. `error` is raised if it is not."""

    def __init__(self, error: PicwardError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(slots=True)
class Admin:
    """The Admin API of one site. Made for one task and thrown away; `cost` and `version` are of the last answer."""

    config: Config
    keeper: Credentials
    site: Site
    cost: Cost = Cost()
    version: str = ""
    _renewed: dict[str, Any] | None = field(default=None, repr=False)

    def ask(self, document: str, *, partial: bool = False, **variables: object) -> Untrusted:
        """Send a document by its name and return the answer's `data`.

        An answer with errors is one only with `partial`, for what is worth having in pieces. Raise `PlatformUnavailable` with
        the time that Shopify asks for, or `PlatformRefused`.
        """
        body = json_body({"query": documents.text(document), "variables": variables})
        waits, renewed = 0, False
        while True:
            try:
                return self._once(body, partial)
            except _Wait as wait:
                waits += 1
                if wait.seconds is None or wait.seconds > INLINE_SECONDS or waits > INLINE_WAITS:
                    raise PlatformThrottled(str(wait), wait.seconds) from None
                time.sleep(wait.seconds)
            except _Renew as stale:
                if renewed:
                    raise stale.error from None
                renewed = True
                self._renew()

    def _once(self, body: bytes, partial: bool) -> Untrusted:
        shop = self.site.key
        if not is_shop(shop):
            raise PlatformRefused("The site is no shop of Shopify.")
        answer = Session(self.config.private_network).request(
            "POST",
            f"{self.config.origin(shop)}/admin/api/{self.config.api_version}/graphql.json",
            headers={
                "Content-Type": "application/json",
                "Accept": "application/json",
                "X-Shopify-Access-Token": self._token(),
            },
            body=body,
            total_seconds=ADMIN_SECONDS,
            explain=_explain,
        )
        self.version = answer.headers.get("x-shopify-api-version", "")[:20]
        if self.version not in ("", self.config.api_version, *_told):
            _told.add(self.version)
            _log.warning("Shopify answers with version %s, where %s was asked for", code(self.version), self.config.api_version)
        try:
            reply = read_json(answer.body)
            self.cost = _cost(reply)
            if "errors" in reply:
                self._judge(reply, partial)
            return reply.object("data")
        except DeliveryUnreadable:
            raise PlatformUnavailable(f"{answer.host} answered something that is not the Admin API's.") from None

    def _judge(self, reply: Untrusted, partial: bool) -> None:
        """Raise what the errors of an answer mean; return when what came beside them is enough."""
        errors = list(reply.items("errors", 100))
        codes = [error.object("extensions").label("code", 60) if "extensions" in error else "" for error in errors]
        said = ", ".join(sorted({known for each in codes if (known := code(each))})) or "it gave no code"
        if "THROTTLED" in codes:
            if 0 < self.cost.maximum < self.cost.requested:
                raise PlatformRefused(f"Shopify's budget of {self.cost.maximum:g} points can never pay for this request.")
            raise _Wait("The shop's budget at Shopify is used up for now.", self.cost.wait_seconds)
        if "ACCESS_DENIED" in codes:
            raise _Renew(_denied(errors[codes.index("ACCESS_DENIED")]))
        if "SHOP_INACTIVE" in codes:
            raise PlatformClosed("The shop is inactive.", CLOSED_SECONDS)
        if partial and "data" in reply:
            _log.warning("Shopify answered site %s in part: %s", self.site.id, said)
            return
        if all(each in ("", "INTERNAL_SERVER_ERROR", "TIMEOUT") for each in codes):
            raise PlatformUnavailable(f"Shopify failed ({said}).")
        raise PlatformRefused(f"Shopify does not take the request ({said}).")

    def _token(self) -> str:
        held = self._held()
        token, expires_at = held.get("access_token"), held.get("expires_at")
        if not held.get("refresh_token") and not token:
            raise CredentialsExpired(f"There is no token for this shop. {REOPEN}")
        ends = expires_at if isinstance(expires_at, int) else 0
        if not token or ends < time.time_ns() // 1_000 + MARGIN_SECONDS * SECOND:
            self._renew()
            token = self._held().get("access_token")
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
            raise CredentialsExpired(f"The shop's token is damaged. {REOPEN}")
        return token

    def _held(self) -> dict[str, Any]:
        return self._renewed if self._renewed is not None else dict(self.site.credentials)

    def _renew(self) -> None:
        tokens = Tokens(self.config)
        fresh = self.keeper.renew(self.site, self._held(), lambda current: tokens.refresh(self.site.key, current))
        self._renewed = dict(fresh)
        if not self._renewed.get("access_token"):
            raise CredentialsExpired(f"Shopify no longer renews the shop's token. {REOPEN}")

    def require(self, *wanted: str) -> None:
        """Make sure of permissions before a request of which Shopify might carry out one half. Raise `PlatformRefused`."""
        # A permission that was granted since is in a new token only; the first renewal may give one that another just got.
        for _ in range(2):
            if scopes.lacking(wanted, self._granted()):
                self._renew()
        if missing := scopes.lacking(wanted, self._granted()):
            raise PlatformRefused(scopes.ask_for(missing))

    def _granted(self) -> tuple[str, ...]:
        return scopes.of_token(self._held().get("scope"))

    def renew(self) -> None:
        """Renew the token now, so that a quiet shop's refresh token does not run out."""
        self._renew()


@contextmanager
def understood() -> Iterator[None]:
    """Treat an answer that lacks what its document asked for as coming from a service that is not well."""
    try:
        yield
    except DeliveryUnreadable as error:
        raise PlatformUnavailable(f"Shopify's answer cannot be read: {error}") from None


def done(data: Untrusted, *mutations: str) -> None:
    """Make sure that a mutation was carried out. Raise `PlatformRefused` with Shopify's code when it was not."""
    with understood():
        for name in mutations:
            if name not in data:
                raise PlatformUnavailable(f"Shopify did not carry out {name}.")
            payload = data.object(name)
            for key in ("userErrors", "mediaUserErrors"):
                for error in payload.items(key, 100) if key in payload else ():
                    _refuse(name, error)


def _refuse(mutation: str, error: Untrusted) -> NoReturn:
    said = code(error.label("code", 60))
    if MEANINGS.get(said) is Meaning.AGAIN:
        raise PlatformUnavailable(f"Shopify is not ready for {mutation} yet ({said}).", AGAIN_SECONDS)
    raise PlatformRefused(worded(mutation, said))


def _denied(error: Untrusted) -> PlatformRefused:
    said = error.label("message", 300)
    required = error.object("extensions").label("requiredAccess", 300)
    named = _SCOPE.findall(required or said)
    if not named:
        return PlatformRefused("The app may not do this in the shop (ACCESS_DENIED).")
    return PlatformRefused(scopes.ask_for(dict.fromkeys(named), " or "))


def _cost(reply: Untrusted) -> Cost:
    cost = reply.plain("extensions").get("cost") if "extensions" in reply else None
    if not isinstance(cost, dict):
        return Cost()
    status = cost.get("throttleStatus")
    bucket = status if isinstance(status, dict) else {}
    return Cost(
        _points(cost.get("requestedQueryCost")),
        _points(cost.get("actualQueryCost")),
        _points(bucket.get("maximumAvailable")),
        _points(bucket.get("currentlyAvailable")),
        _points(bucket.get("restoreRate")),
    )


def _points(value: object) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e9 else 0.0


def _explain(answer: Answer) -> PicwardError | None:
    if answer.status == 401:
        raise _Renew(CredentialsExpired(f"Shopify no longer accepts the shop's token. {REOPEN}"))
    if answer.status == 429:
        raise _Wait(f"{answer.host} asked us to come back later (429).", asked_seconds(answer))
    return explain(answer)
