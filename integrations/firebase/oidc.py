"""Google's ID tokens on pushes: signature, audience, issuer, times, and whose account it is.

Any service account of the world can get a token for our audience, so the account's e-mail is what proves a push.
https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions and https://developers.google.com/identity/openid-connect
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.errors import DeliveryRefused, DeliveryUnreadable, PicwardError, PlatformUnavailable
from app.domain.events import Delivery
from app.domain.time import DAY, MINUTE, SECOND
from integrations.kit.answers import Answer
from integrations.kit.http import Session
from integrations.kit.untrusted import read_json

ISSUERS = ("https://accounts.google.com", "accounts.google.com")
"""Both spellings that Google documents."""

SKEW_SECONDS = 60
"""How far clocks may be apart: Google's own libraries take 0 to 10, machines without a good clock need more."""

MAX_TOKEN_CHARACTERS = 8_000
"""How long a token may be; Google's have about 1000 characters."""

FETCH_SECONDS = 5.0
"""How long certificates may take; a push waits meanwhile."""

SHORTEST_SECONDS, LONGEST_SECONDS = MINUTE // SECOND, DAY // SECOND
"""How long certificates are kept at least and at most, whatever Cache-Control says; Google says about six hours."""

AGAIN_SECONDS = 60
"""How often an unknown key id may have them fetched before they expire, so that garbage causes no flood of fetches."""

RETRY_SECONDS = 5
"""How long after a failed fetch the next one may be; until then senders are asked to come back."""

_REFUSED = "The push is not proven to be from the site's push account."


@dataclass(frozen=True, slots=True)
class Published:
    """Certificates as fetched: public keys by key id, and for how many seconds they may be kept."""

    keys: Mapping[str, Any]
    seconds: float


FetchCertificates = Callable[[], Published]
"""Fetch Google's certificates. Raise `PlatformUnavailable`."""


class Certificates:
    """Google's certificates, kept for all requests of this process."""

    def __init__(self, fetch: FetchCertificates, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Mapping[str, Any] = {}
        self._until = self._unknown_after = self._retry_after = float("-inf")

    def key(self, kid: str) -> Any:
        """Look up a public key, None when it is unknown. Raise `PlatformUnavailable` when they cannot be fetched now."""
        keys, until = self._keys, self._until
        if self._clock() < until and kid in keys:
            return keys[kid]
        with self._lock:
            now = self._clock()
            if now < self._until and (kid in self._keys or now < self._unknown_after):
                return self._keys.get(kid)
            if now < self._retry_after:
                raise PlatformUnavailable("Google's certificates cannot be fetched just now.", RETRY_SECONDS)
            self._retry_after = now + RETRY_SECONDS
            published = self._fetch()
            self._keys = published.keys
            self._until = now + min(max(published.seconds, SHORTEST_SECONDS), LONGEST_SECONDS)
            self._unknown_after = now + AGAIN_SECONDS
            self._retry_after = now
            return self._keys.get(kid)


def fetch_from(url: str) -> FetchCertificates:
    """Make the function that fetches certificates (a JWK set, RFC 7517) from the operator's address."""

    def fetch() -> Published:
        try:
            answer = Session(private_network=True).request("GET", url, total_seconds=FETCH_SECONDS)
            keys = _keys(answer)
        except PicwardError:
            raise PlatformUnavailable("Google's certificates cannot be fetched just now.", RETRY_SECONDS) from None
        return Published(keys, _max_age(answer))

    return fetch


def _keys(answer: Answer) -> Mapping[str, Any]:
    from jwt.algorithms import RSAAlgorithm
    from jwt.exceptions import PyJWTError

    keys = {}
    for item in read_json(answer.body).items("keys", 50):
        try:
            numbers = {name: item.text(name, 2_000) for name in ("n", "e")}
            keys[item.text("kid", 200)] = RSAAlgorithm.from_jwk({"kty": "RSA", **numbers})
        except (PyJWTError, DeliveryUnreadable, ValueError):
            continue  # a key of another kind, which signs nothing that we accept
    if not keys:
        raise DeliveryUnreadable("The answer holds no certificates.")
    return keys


def _max_age(answer: Answer) -> float:
    found = re.search(r"max-age=(\d{1,9})", answer.headers.get("cache-control", ""))
    age = answer.headers.get("age", "")
    return float(found[1]) - (float(age) if re.fullmatch(r"[0-9]{1,9}", age) else 0.0) if found else 0.0


@dataclass(frozen=True, slots=True)
class Identity:
    """What a proven token says; whether it is for us and from the right account is still to be compared."""

    audience: str
    email: str


def verify(delivery: Delivery, certificates: Certificates) -> Identity:
    """Prove that Google signed the delivery's token lately.

    Raise `DeliveryRefused`, and `PlatformUnavailable` when the certificates cannot be fetched: that is no reason to refuse.
    """
    scheme, _, token = delivery.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or not token.isascii() or len(token) > MAX_TOKEN_CHARACTERS:
        raise DeliveryRefused(_REFUSED)
    claims = _claims(token, certificates)
    now = delivery.received_at / SECOND
    if not _moment(claims, "iat") - SKEW_SECONDS <= now <= _moment(claims, "exp") + SKEW_SECONDS:
        raise DeliveryRefused(_REFUSED)
    audience, email = claims.get("aud"), claims.get("email")
    proven = claims.get("iss") in ISSUERS and claims.get("email_verified") is True
    if not proven or not isinstance(audience, str) or not isinstance(email, str) or not audience or not email:
        raise DeliveryRefused(_REFUSED)
    return Identity(audience, email)


def _claims(token: str, certificates: Certificates) -> Mapping[str, Any]:
    try:
        import jwt
    except ImportError:
        raise DeliveryRefused("Nothing of Firebase is installed here.") from None
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        key = certificates.key(kid) if isinstance(kid, str) else None
        if key is None:
            raise DeliveryRefused(_REFUSED)
        # The times are compared above, with the time at which the request came in.
        unchecked = {f"verify_{name}": False for name in ("exp", "iat", "nbf", "aud", "iss", "sub", "jti")}
        claims: Mapping[str, Any] = jwt.decode(token, key, algorithms=["RS256"], options=unchecked)  # type: ignore[arg-type]
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise DeliveryRefused(_REFUSED) from None
    return claims


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 2**53:
        raise DeliveryRefused(_REFUSED)
    return value
