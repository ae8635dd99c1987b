"""Who may push: Google's signature, our audience, the site's own account, and certificates that the clock fetches."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from app.domain.errors import DeliveryRefused, PlatformUnavailable
from app.domain.events import Delivery
from app.domain.platform import Site, SiteState, VerificationKeys
from app.domain.time import SECOND
from integrations.firebase import oidc
from integrations.firebase.platform import Firebase
from integrations.kit.answers import Answer
from integrations.kit.http import Session
from tests.contract.sample import finder
from tests.integrations.firebase.contract import BUCKET, NOW, PUBLIC_URL, SAMPLE
from tests.integrations.firebase.stand_in.gcs import CloudStorage
from tests.integrations.firebase.stand_in.google import GoogleSigner
from tests.integrations.firebase.test_firebase_intake import recorded, resource, wrapped
from tests.support.surroundings import made, surroundings

WEBHOOK = f"{PUBLIC_URL}/webhooks/firebase"
ACCOUNT = "picward-push@demo-test.iam.gserviceaccount.com"


class Source:
    """Hold the signer's keys as the clock fetched them; `away` is before it could."""

    def __init__(self, signer: GoogleSigner) -> None:
        self.signer, self.away, self.fetched_at, self.reads = signer, False, NOW * SECOND, 0
        self.fetch()

    def fetch(self) -> None:
        self.text = json.dumps(self.signer.key_set())

    def __call__(self, slug: str) -> VerificationKeys | None:
        assert slug == Firebase.slug
        self.reads += 1
        return None if self.away else VerificationKeys(self.text, self.fetched_at)


@pytest.fixture
def source(signer: GoogleSigner) -> Source:
    return Source(signer)


def proving(source: Source, public_url: str = PUBLIC_URL) -> Firebase:
    around = replace(surroundings(public_url=public_url), verification_keys=source)
    return Firebase(Firebase.Config(), around)


@pytest.fixture
def platform(source: Source) -> Firebase:
    return proving(source)


def pushed(signer: GoogleSigner, audience: str = WEBHOOK, email: str = ACCOUNT, **how: Any) -> Delivery:
    token = signer.id_token(audience, email, **({"issued_at": NOW - 10} | how))
    return with_token(f"Bearer {token}")


def with_token(value: str) -> Delivery:
    delivery = wrapped(resource())
    return replace(delivery, headers=delivery.headers | {"authorization": value})


def find(**over: Any) -> Any:
    return finder(SAMPLE.site(**over))


def test_a_push_of_the_sites_account_is_proven(platform: Firebase, signer: GoogleSigner) -> None:
    for issuer in ("https://accounts.google.com", "accounts.google.com"):
        assert platform.authenticate(pushed(signer, issuer=issuer), find()) == SAMPLE.site()
    assert platform.authenticate(pushed(signer), find(state=SiteState.PAUSED)).state is SiteState.PAUSED


@pytest.mark.parametrize("name", ["eventarc", "unwrapped", "wrapped", "wrapped_without_payload"])
def test_every_form_of_google_is_proven_alike(platform: Firebase, signer: GoogleSigner, name: str) -> None:
    site = SAMPLE.site(key="my-bucket")
    delivery = recorded(name)
    with pytest.raises(DeliveryRefused):
        platform.authenticate(delivery, finder(site))
    token = signer.id_token(WEBHOOK, ACCOUNT, issued_at=NOW)
    assert (
        platform.authenticate(replace(delivery, headers=delivery.headers | {"authorization": f"Bearer {token}"}), finder(site))
        == site
    )


WRONG: list[dict[str, Any]] = [
    {"audience": "https://elsewhere.example/webhooks/firebase"},
    {"audience": ""},
    {"audience": WEBHOOK + "/"},
    {"aud": [WEBHOOK]},
    {"aud": None},
    {"email": "anyone@another-project.iam.gserviceaccount.com"},
    {"email": ACCOUNT.upper()},
    {"email_verified": False},
    {"email_verified": "true"},
    {"issuer": "https://accounts.google.com.evil.example"},
    {"issuer": ""},
    {"issued_at": NOW - 3_600 - 100},
    {"issued_at": NOW + 100},
    {"exp": "tomorrow"},
    {"exp": None},
    {"iat": None},
    {"exp": True},
]


@pytest.mark.parametrize("how", WRONG, ids=range(len(WRONG)))
def test_any_other_token_is_refused(platform: Firebase, signer: GoogleSigner, how: dict[str, Any]) -> None:
    with pytest.raises(DeliveryRefused):
        platform.authenticate(pushed(signer, **how), find())


def test_a_key_that_is_not_googles_is_refused(platform: Firebase, signer: GoogleSigner) -> None:
    with pytest.raises(DeliveryRefused):
        platform.authenticate(pushed(signer, key=rsa.generate_private_key(public_exponent=65537, key_size=2048)), find())


def test_unsigned_and_symmetric_tokens_are_refused(platform: Firebase, signer: GoogleSigner) -> None:
    import jwt

    claims = {"aud": WEBHOOK, "email": ACCOUNT, "email_verified": True, "iss": oidc.ISSUERS[0], "iat": NOW, "exp": NOW + 60}
    for token in (
        jwt.encode(claims, None, algorithm="none", headers={"kid": signer.kid}),
        jwt.encode(claims, "k" * 32, algorithm="HS256", headers={"kid": signer.kid}),
    ):
        with pytest.raises(DeliveryRefused):
            platform.authenticate(with_token(f"Bearer {token}"), find())


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer é", "Bearer a.b.c", "Bearer " + "a" * 9_000, "Bearer {}"]
)
def test_garbled_headers_are_refused_without_a_look(platform: Firebase, source: Source, value: str) -> None:
    with pytest.raises(DeliveryRefused):
        platform.authenticate(with_token(value), find())
    assert source.reads == 0


def test_removed_and_unknown_sites_are_refused(platform: Firebase, signer: GoogleSigner) -> None:
    for site in (
        find(state=SiteState.REMOVED),
        find(key="another"),
        lambda claimed: SAMPLE.site(key="another"),
        lambda claimed: None,
    ):
        with pytest.raises(DeliveryRefused):
            platform.authenticate(pushed(signer), site)


def connected(**connection: str) -> Site:
    return SAMPLE.site(connection={"project": "demo-test", "bucket": BUCKET, **connection})


def test_the_account_and_the_audience_can_be_others(platform: Firebase, signer: GoogleSigner) -> None:
    site = connected(push_account="own@demo-test.iam.gserviceaccount.com", audience="my audience")
    with pytest.raises(DeliveryRefused):
        platform.authenticate(pushed(signer), finder(site))
    assert platform.authenticate(pushed(signer, "my audience", "own@demo-test.iam.gserviceaccount.com"), finder(site)) == site


@pytest.mark.parametrize(
    "address", ["", "http://127.0.0.1:8080", "http://picward.example", "https://localhost", "https://127.0.0.1:1"]
)
def test_without_an_audience_no_push_is_taken(source: Source, signer: GoogleSigner, address: str) -> None:
    platform = proving(source, address)
    for audience in (f"{address}/webhooks/firebase", ""):
        with pytest.raises(DeliveryRefused):
            platform.authenticate(pushed(signer, audience), find())
    site = connected(audience="https://mine.example")
    assert platform.authenticate(pushed(signer, "https://mine.example"), finder(site)) == site


def test_a_new_key_is_known_once_the_clock_fetched_it_and_garbage_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(GoogleSigner())
    platform = proving(source)
    platform.authenticate(pushed(source.signer), find())
    monkeypatch.setattr(Session, "request", lambda *_, **__: pytest.fail("a delivery made us call out"))
    source.signer.rotate()
    for stranger in (source.signer, GoogleSigner()):
        with pytest.raises(DeliveryRefused):
            platform.authenticate(pushed(stranger), find())
    source.fetch()
    assert platform.authenticate(pushed(source.signer), find()) == SAMPLE.site()


def test_no_certificates_is_no_refusal(platform: Firebase, source: Source, signer: GoogleSigner) -> None:
    source.away = True
    with pytest.raises(PlatformUnavailable) as told:
        platform.authenticate(pushed(signer), find())
    assert told.value.retry_after == oidc.RETRY_SECONDS
    source.away = False
    assert platform.authenticate(pushed(signer), find()) == SAMPLE.site()


@pytest.mark.parametrize(("age", "used"), [(0, True), (oidc.KEPT_SECONDS, True), (oidc.KEPT_SECONDS + 1, False)])
def test_old_certificates_are_used_for_a_day(
    platform: Firebase, source: Source, signer: GoogleSigner, age: int, used: bool
) -> None:
    delivery = pushed(signer)
    source.fetched_at = delivery.received_at - age * SECOND
    if used:
        assert platform.authenticate(delivery, find()) == SAMPLE.site()
    else:
        with pytest.raises(PlatformUnavailable):
            platform.authenticate(delivery, find())


def test_certificates_are_read_once_and_not_for_every_push(
    platform: Firebase, source: Source, signer: GoogleSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    monkeypatch.setattr(oidc, "read_keys", lambda body, original=oidc.read_keys: read.append(body) or original(body))
    for _ in range(5):
        platform.authenticate(pushed(signer), find())
    assert (source.reads, len(read)) == (5, 1)


def from_google(google: CloudStorage) -> Firebase:
    return made(Firebase, Firebase.Config(certificates_url=google.jwks_url))


def test_the_real_endpoints_form_is_read(gcs: CloudStorage) -> None:
    text = from_google(gcs).fetch_verification_keys()
    assert set(oidc.read_keys(text.encode())) == {key["kid"] for key in gcs.signer.key_set()["keys"]}


@pytest.mark.parametrize("what", [500, 404, "html", "garbage", "drop"])
def test_an_endpoint_in_trouble_is_unavailable(gcs: CloudStorage, what: Any) -> None:
    gcs.fail(what, times=1, operation="certs")
    with pytest.raises(PlatformUnavailable):
        from_google(gcs).fetch_verification_keys()


@pytest.mark.parametrize("body", [b'{"keys": []}', b'{"keys": [{"kid": "x", "kty": "EC"}]}', b"[]", b'{"keys": 1}', b"\xff"])
def test_an_answer_without_certificates_replaces_none(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatch.setattr(Session, "request", lambda *_, **__: Answer(200, {}, body, "certificates.example"))
    with pytest.raises(PlatformUnavailable):
        oidc.fetch_from("https://certificates.example")
