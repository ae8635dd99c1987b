"""What Google's accounts are to a receiver and to a client: ID tokens with their certificates, and bearers for service accounts.

Forms: https://developers.google.com/identity/protocols/oauth2/service-account (the assertion and the endpoint) and
https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions (the claims of a push).
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.integrations.firebase.stand_in.server import Answer, Request, route

if TYPE_CHECKING:
    from tests.integrations.firebase.stand_in.gcs import CloudStorage

ISSUER = "https://accounts.google.com"
CERTS, JWKS, TOKEN = "/oauth2/v1/certs", "/oauth2/v3/certs", "/token"
CERTS_MAX_AGE_SECONDS = 20_000
"""Google answers between five and seven hours; the header is what a cache goes by."""

BEARER_SECONDS = 3600
_AUDIENCE = "https://oauth2.googleapis.com/token"


class GoogleSigner:
    """Sign ID tokens with a key of its own, as accounts.google.com does for service accounts."""

    def __init__(self) -> None:
        self._keys: dict[str, rsa.RSAPrivateKey] = {}
        self.fetches = 0
        """How often the certificates were asked for."""
        self.rotate()

    def rotate(self) -> str:
        """Sign with a new key from now on; the old one stays published."""
        self.kid = secrets.token_hex(10)
        self._keys[self.kid] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return self.kid

    def forget(self, kid: str) -> None:
        del self._keys[kid]

    def id_token(
        self,
        audience: str,
        email: str,
        *,
        email_verified: bool = True,
        issuer: str = ISSUER,
        issued_at: int | None = None,
        lifetime: int = 3600,
        key: rsa.RSAPrivateKey | None = None,
        **claims: Any,
    ) -> str:
        """Sign a push account's token; `key` signs in the name of ours, `claims` go over all others (None leaves one out)."""
        now = int(time.time()) if issued_at is None else issued_at
        said = {
            "aud": audience,
            "azp": "113774264463038321964",
            "email": email,
            "email_verified": email_verified,
            "exp": now + lifetime,
            "iat": now,
            "iss": issuer,
            "sub": "113774264463038321964",
        } | claims
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(said, key or self._keys[self.kid], algorithm="RS256", headers={"kid": self.kid})

    def certificates(self) -> dict[str, str]:
        return {kid: _certificate(key) for kid, key in self._keys.items()}

    def key_set(self) -> dict[str, Any]:
        return {
            "keys": [{"kid": kid, "use": "sig", "alg": "RS256", "kty": "RSA", **_numbers(key)} for kid, key in self._keys.items()]
        }


def _certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.system.gserviceaccount.com")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=16))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def _numbers(key: rsa.RSAPrivateKey) -> dict[str, str]:
    public = key.public_key().public_numbers()

    def coded(value: int) -> str:
        return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8)).rstrip(b"=").decode()

    return {"n": coded(public.n), "e": coded(public.e)}


class Accounts:
    """Know the service accounts whose key files were made here, and the bearers they were given."""

    def __init__(self) -> None:
        self._keys: dict[str, rsa.RSAPrivateKey] = {}
        self._bearers: dict[str, str] = {}

    def key_file(self, email: str, project: str, token_url: str) -> dict[str, Any]:
        key = self._keys[email] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        return {
            "type": "service_account",
            "project_id": project,
            "private_key_id": secrets.token_hex(20),
            "private_key": pem,
            "client_email": email,
            "client_id": "109876543210987654321",
            "token_uri": token_url,
            "universe_domain": "googleapis.com",
        }

    def revoke(self, email: str) -> None:
        """Disable the account: no new bearers, and the given ones are worth nothing."""
        self._keys.pop(email, None)
        self._bearers = {token: owner for token, owner in self._bearers.items() if owner != email}

    def issued(self, token: str) -> bool:
        return token in self._bearers

    def bearer(self, assertion: str, token_url: str) -> str | None:
        """Trade an assertion that an account signed; None for every other. google-auth writes Google's own address into it."""
        try:
            email = jwt.decode(assertion, options={"verify_signature": False})["iss"]
            jwt.decode(assertion, self._keys[email].public_key(), algorithms=["RS256"], audience=[token_url, _AUDIENCE])
        except (jwt.PyJWTError, KeyError):
            return None
        token = f"ya29.{secrets.token_urlsafe(24)}"
        self._bearers[token] = email
        return token


def token(gcs: CloudStorage, request: Request) -> Answer:
    form = {name: values[-1] for name, values in parse_qs(request.body.decode("ascii", "replace")).items()}
    bearer = gcs.accounts.bearer(form.get("assertion", ""), gcs.token_url)
    if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" or bearer is None:
        return Answer.of({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)
    return Answer.of({"access_token": bearer, "expires_in": BEARER_SECONDS, "token_type": "Bearer"})


def certs(gcs: CloudStorage, request: Request) -> Answer:
    return _published(gcs, gcs.signer.certificates())


def jwks(gcs: CloudStorage, request: Request) -> Answer:
    return _published(gcs, gcs.signer.key_set())


def _published(gcs: CloudStorage, keys: dict[str, Any]) -> Answer:
    gcs.signer.fetches += 1
    headers = {
        "Content-Type": "application/json; charset=UTF-8",
        "Cache-Control": f"public, max-age={CERTS_MAX_AGE_SECONDS}, must-revalidate, no-transform",
        "Date": datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"),
    }
    return Answer(200, headers, json.dumps(keys).encode())


ROUTES = (
    route("GET", CERTS, "certs", certs),
    route("GET", JWKS, "certs", jwks),
    route("POST", TOKEN, "token", token),
)
