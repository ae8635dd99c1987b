"""Google's ID tokens on pushes: signature, audience, issuer, times, and whose account it is.

Any service account of the world can get a token for our audience, so the account's e-mail is what proves a push.
https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions and https://developers.google.com/identity/openid-connect
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.errors import DeliveryRefused, DeliveryUnreadable, PicwardError, PlatformUnavailable
from app.domain.events import Delivery
from app.domain.platform import VerificationKeys
from app.domain.time import DAY, MINUTE, SECOND
from integrations.kit.http import Session
from integrations.kit.untrusted import read_json

ISSUERS = ("https://accounts.google.com", "accounts.google.com")
"""Both spellings that Google documents."""

SKEW_SECONDS = 60
"""How far clocks may be apart: Google's own libraries take 0 to 10, machines without a good clock need more."""

MAX_TOKEN_CHARACTERS = 8_000
"""How long a token may be; Google's have about 1000 characters."""

FETCH_SECONDS = 5.0
"""How long fetching certificates may take: the clock does nothing else meanwhile."""

REFRESH_SECONDS = 15 * MINUTE // SECOND
"""How often certificates are fetched. Google publishes a key well before it signs with it, and says that they may be kept for
about six hours; a push that is refused since its key came sooner than that is sent again."""

KEPT_SECONDS = DAY // SECOND
"""How long certificates are used when no newer ones can be fetched: Google's keys live for about two weeks."""

RETRY_SECONDS = 5
"""When a sender is asked to come back while there are no certificates."""

MAX_CERTIFICATES_BYTES = 100_000
"""How much of an answer with certificates is read; Google's has 2 to 4 keys of 600 bytes each."""

_REFUSED = "The push is not proven to be from the site's push account."


class Certificates:
    """Google's certificates as they were fetched last, read once per process and fetch."""

    def __init__(self, latest: Callable[[], VerificationKeys | None]) -> None:
        self._latest = latest
        self._read: tuple[str, Mapping[str, Any]] = ("", {})

    def key(self, kid: str, at: int) -> Any:
        """Look up a public key, None when it is unknown; `at` is now, in UTC microseconds.

        Raise `PlatformUnavailable` while there are no certificates, or only some that are too old.
        """
        found = self._latest()
        if found is None or at - found.fetched_at > KEPT_SECONDS * SECOND:
            raise PlatformUnavailable("There are no certificates of Google's just now.", RETRY_SECONDS)
        text, keys = self._read
        if text != found.text:
            keys = read_keys(found.text.encode())
            self._read = (found.text, keys)
        return keys.get(kid)


def fetch_from(url: str) -> str:
    """Fetch certificates (a JWK set, RFC 7517) from the operator's address. Raise `PlatformUnavailable`."""
    try:
        answer = Session(private_network=True).request("GET", url, total_seconds=FETCH_SECONDS)
        if len(answer.body) > MAX_CERTIFICATES_BYTES or not read_keys(answer.body):
            raise PlatformUnavailable(f"{url} answers with no certificates.", RETRY_SECONDS)
        return answer.body.decode()
    except (DeliveryUnreadable, UnicodeDecodeError):
        raise PlatformUnavailable(f"{url} answers with no certificates.", RETRY_SECONDS) from None
    except PicwardError as error:
        raise PlatformUnavailable(f"Google's certificates cannot be fetched: {error}", RETRY_SECONDS) from None


def read_keys(body: bytes) -> Mapping[str, Any]:
    """Read the public keys of a JWK set, by key id. Raise `DeliveryUnreadable`."""
    from jwt.algorithms import RSAAlgorithm
    from jwt.exceptions import PyJWTError

    keys = {}
    for item in read_json(body).items("keys", 50):
        try:
            numbers = {name: item.text(name, 2_000) for name in ("n", "e")}
            keys[item.text("kid", 200)] = RSAAlgorithm.from_jwk({"kty": "RSA", **numbers})
        except (PyJWTError, DeliveryUnreadable, ValueError):
            continue  # a key of another kind, which signs nothing that we accept
    return keys


@dataclass(frozen=True, slots=True)
class Identity:
    """What a proven token says; whether it is for us and from the right account is still to be compared."""

    audience: str
    email: str


def verify(delivery: Delivery, certificates: Certificates) -> Identity:
    """Prove that Google signed the delivery's token lately.

    Raise `DeliveryRefused`, and `PlatformUnavailable` while there are no certificates: that is no reason to refuse.
    """
    scheme, _, token = delivery.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or not token.isascii() or len(token) > MAX_TOKEN_CHARACTERS:
        raise DeliveryRefused(_REFUSED)
    claims = _claims(token, certificates, delivery.received_at)
    now = delivery.received_at / SECOND
    if not _moment(claims, "iat") - SKEW_SECONDS <= now <= _moment(claims, "exp") + SKEW_SECONDS:
        raise DeliveryRefused(_REFUSED)
    audience, email = claims.get("aud"), claims.get("email")
    proven = claims.get("iss") in ISSUERS and claims.get("email_verified") is True
    if not proven or not isinstance(audience, str) or not isinstance(email, str) or not audience or not email:
        raise DeliveryRefused(_REFUSED)
    return Identity(audience, email)


def _claims(token: str, certificates: Certificates, at: int) -> Mapping[str, Any]:
    try:
        import jwt
    except ImportError:
        raise DeliveryRefused("Nothing of Firebase is installed here.") from None
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        key = certificates.key(kid, at) if isinstance(kid, str) else None
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
