"""Who may push: Google's signature, our audience, the site's own account, and certificates that are fetched once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from app.domain.errors import DeliveryRefused, PlatformUnavailable
from app.domain.events import Delivery
from app.domain.platform import Site, SiteState
from integrations.firebase import oidc
from integrations.firebase.oidc import Certificates, Published
from integrations.firebase.platform import Firebase
from tests.contract.sample import finder
from tests.integrations.firebase.contract import BUCKET, NOW, PUBLIC_URL, SAMPLE
from tests.integrations.firebase.stand_in.gcs import CloudStorage
from tests.integrations.firebase.stand_in.google import GoogleSigner
from tests.integrations.firebase.test_firebase_intake import recorded, resource, wrapped
from tests.support.surroundings import made

WEBHOOK = f"{PUBLIC_URL}/webhooks/firebase"
ACCOUNT = "picward-push@demo-test.iam.gserviceaccount.com"


class Clock:
    at = 1_000.0

    def __call__(self) -> float:
        return self.at


class Source:
    """Give the signer's keys as Google's endpoint would; `away` makes it fail."""

    def __init__(self, signer: GoogleSigner) -> None:
        self.signer, self.fetches, self.away, self.seconds = signer, 0, False, 20_000.0

    def __call__(self) -> Published:
        from jwt.algorithms import RSAAlgorithm

        self.fetches += 1
        if self.away:
            raise PlatformUnavailable("away")
        return Published({key["kid"]: RSAAlgorithm.from_jwk(key) for key in self.signer.key_set()["keys"]}, self.seconds)


@pytest.fixture
def source(signer: GoogleSigner) -> Source:
    return Source(signer)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def proving(certificates: Certificates, public_url: str = PUBLIC_URL) -> Firebase:
    platform = made(Firebase, public_url=public_url)
    platform.certificates = certificates
    return platform


@pytest.fixture
def platform(source: Source, clock: Clock) -> Firebase:
    return proving(Certificates(source, clock))


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
def test_garbled_headers_are_refused_without_a_fetch(platform: Firebase, source: Source, value: str) -> None:
    with pytest.raises(DeliveryRefused):
        platform.authenticate(with_token(value), find())
    assert source.fetches == 0


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
    platform = proving(Certificates(source), address)
    for audience in (f"{address}/webhooks/firebase", ""):
        with pytest.raises(DeliveryRefused):
            platform.authenticate(pushed(signer, audience), find())
    site = connected(audience="https://mine.example")
    assert platform.authenticate(pushed(signer, "https://mine.example"), finder(site)) == site


def test_certificates_are_fetched_once_for_many_requests(platform: Firebase, source: Source, signer: GoogleSigner) -> None:
    delivery = pushed(signer)
    threads = [threading.Thread(target=lambda: [platform.authenticate(delivery, find()) for _ in range(10)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert source.fetches == 1


def test_certificates_are_fetched_again_when_they_are_too_old(
    platform: Firebase, source: Source, clock: Clock, signer: GoogleSigner
) -> None:
    delivery = pushed(signer)
    platform.authenticate(delivery, find())
    clock.at += 19_999
    platform.authenticate(delivery, find())
    assert source.fetches == 1
    clock.at += 2
    platform.authenticate(delivery, find())
    assert source.fetches == 2


@pytest.fixture
def rotating() -> Source:
    return Source(GoogleSigner())


def test_a_new_key_is_found_by_one_fetch_and_garbage_causes_no_flood(rotating: Source, clock: Clock) -> None:
    platform = proving(Certificates(rotating, clock))
    platform.authenticate(pushed(rotating.signer), find())
    clock.at += 61
    rotating.signer.rotate()
    platform.authenticate(pushed(rotating.signer), find())
    assert rotating.fetches == 2
    stranger = GoogleSigner()
    for _ in range(20):
        with pytest.raises(DeliveryRefused):
            platform.authenticate(pushed(stranger), find())
    assert rotating.fetches == 2
    clock.at += 61
    for _ in range(20):
        with pytest.raises(DeliveryRefused):
            platform.authenticate(pushed(stranger), find())
    assert rotating.fetches == 3
    platform.authenticate(pushed(rotating.signer), find())


def test_no_certificates_is_no_refusal_and_no_flood(
    platform: Firebase, source: Source, clock: Clock, signer: GoogleSigner
) -> None:
    source.away = True
    for _ in range(5):
        with pytest.raises(PlatformUnavailable):
            platform.authenticate(pushed(signer), find())
    assert source.fetches == 1
    source.away = False
    clock.at += 6
    assert platform.authenticate(pushed(signer), find()) == SAMPLE.site()


def test_what_expired_is_not_used_although_no_other_can_be_fetched(
    platform: Firebase, source: Source, clock: Clock, signer: GoogleSigner
) -> None:
    platform.authenticate(pushed(signer), find())
    clock.at += 20_001
    source.away = True
    with pytest.raises(PlatformUnavailable):
        platform.authenticate(pushed(signer), find())


@pytest.fixture
def google(gcs: CloudStorage) -> Iterator[CloudStorage]:
    yield gcs


def test_the_real_endpoints_form_is_read(google: CloudStorage) -> None:
    published = oidc.fetch_from(google.jwks_url)()
    assert set(published.keys) == {key["kid"] for key in google.signer.key_set()["keys"]}
    assert published.seconds == 20_000


@pytest.mark.parametrize("what", [500, 404, "html", "garbage", "drop"])
def test_an_endpoint_in_trouble_is_unavailable(google: CloudStorage, what: Any) -> None:
    google.fail(what, times=1, operation="certs")
    with pytest.raises(PlatformUnavailable):
        oidc.fetch_from(google.jwks_url)()


def test_how_long_certificates_are_kept_is_bounded(source: Source, clock: Clock, signer: GoogleSigner) -> None:
    for said, before, after in ((0.0, 59, 61), (-5.0, 59, 61), (1e9, 86_399, 86_401)):
        source.seconds, source.fetches = said, 0
        certificates = Certificates(source, clock)
        certificates.key(signer.kid)
        start = clock.at
        clock.at = start + before
        certificates.key(signer.kid)
        assert source.fetches == 1
        clock.at = start + after
        certificates.key(signer.kid)
        assert source.fetches == 2
