from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.domain.errors import DeliveryRefused
from app.domain.events import Delivery
from app.services.secrets import new_signing_secret
from integrations.kit import signing

NOW = 1_795_000_000
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
BODY = b'{"v":1}'


def delivery(headers: dict[str, str], body: bytes = BODY, now: int = NOW) -> Delivery:
    return Delivery("POST", "/webhooks/x", headers, body, now * 1_000_000)


def signed(**over: str) -> dict[str, str]:
    return signing.sign(SECRET, "msg_1", NOW, BODY) | over


def refused(request: Delivery, secrets: tuple[str, ...] = (SECRET,)) -> None:
    with pytest.raises(DeliveryRefused):
        signing.verify(request, secrets)


def test_gives_the_reference_vector_of_standard_webhooks() -> None:
    # From the specification's own libraries: standard-webhooks/libraries/python/tests.
    headers = signing.sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_accepts_what_it_signed_and_gives_the_id() -> None:
    assert signing.verify(delivery(signed()), (SECRET,)) == "msg_1"


def test_accepts_the_old_and_the_new_secret_and_one_of_several_signatures() -> None:
    assert signing.verify(delivery(signed()), (OTHER, SECRET)) == "msg_1"
    other = signing.sign(OTHER, "msg_1", NOW, BODY)["webhook-signature"]
    both = f"v2,AAAA {other} {signed()['webhook-signature']}"
    assert signing.verify(delivery(signed(**{"webhook-signature": both})), (SECRET,)) == "msg_1"


@pytest.mark.parametrize("off", [-300, 300])
def test_accepts_a_clock_that_is_off_by_300_seconds(off: int) -> None:
    assert signing.verify(delivery(signed(), now=NOW + off), (SECRET,)) == "msg_1"


@pytest.mark.parametrize("off", [-301, 301, -(10**6), 10**6])
def test_refuses_a_clock_that_is_off_by_more(off: int) -> None:
    refused(delivery(signed(), now=NOW + off))


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize(
    "value",
    [None, "", " ", "\x00", "garbled", "é", "１７９５０００００００", "v1", "v1,", ",", "v1,é", "v1,A", "v1,===="],
)
def test_refuses_missing_blank_garbled_and_non_ascii_headers(name: str, value: str | None) -> None:
    headers = signed()
    if value is None:
        del headers[name]
    else:
        headers[name] = value
    refused(delivery(headers))


def test_refuses_what_a_server_makes_of_repeated_headers() -> None:
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        for glue in (",", ", "):
            headers = signed()
            headers[name] = glue.join([headers[name]] * 2)
            refused(delivery(headers))


@pytest.mark.parametrize(
    "timestamp",
    ["9" * 12, "9" * 13, "9" * 5000, "-1", "+1795000000", "1795000000.0", "1_795_000_000", "1e9", "0x6"],
)
def test_refuses_odd_timestamps(timestamp: str) -> None:
    body = f"msg_1.{timestamp}.".encode() + BODY
    mac = base64.b64encode(hmac.new(b"k" * 32, body, hashlib.sha256).digest()).decode()
    refused(delivery(signed(**{"webhook-timestamp": timestamp, "webhook-signature": f"v1,{mac}"})))


@pytest.mark.parametrize("id", ["", " ", "a b", "a.b", "a,b", "a\n", "x" * 129, "é"])
def test_neither_signs_nor_accepts_an_unfit_id(id: str) -> None:
    with pytest.raises(ValueError):
        signing.sign(SECRET, id, NOW, BODY)
    mac = base64.b64encode(hmac.new(b"k" * 32, f"{id}.{NOW}.".encode() + BODY, hashlib.sha256).digest()).decode()
    refused(delivery(signed(**{"webhook-id": id, "webhook-signature": f"v1,{mac}"})))


@pytest.mark.parametrize("key", [b"", b"\x00", b"k" * 23])
@pytest.mark.parametrize("prefix", ["", "whsec_"])
def test_a_blank_or_short_secret_verifies_nothing(key: bytes, prefix: str) -> None:
    secret = prefix + base64.b64encode(key).decode()
    with pytest.raises(ValueError):
        signing.sign(secret, "msg_1", NOW, BODY)
    for signer in (key, secret.encode(), b""):
        mac = base64.b64encode(hmac.new(signer, f"msg_1.{NOW}.".encode() + BODY, hashlib.sha256).digest()).decode()
        refused(delivery(signed(**{"webhook-signature": f"v1,{mac}"})), (secret, "", " ", "whsec_", "whsec_é", "whsec_="))
    refused(delivery(signed()), ())


def test_a_damaged_secret_does_not_spoil_the_others() -> None:
    assert signing.verify(delivery(signed()), ("", "whsec_é", SECRET)) == "msg_1"


def test_looks_at_a_bounded_number_of_signatures() -> None:
    many = " ".join(["v1," + base64.b64encode(b"x" * 32).decode()] * signing.MAX_SIGNATURES)
    refused(delivery(signed(**{"webhook-signature": f"{many} {signed()['webhook-signature']}"})))


def test_a_body_that_is_not_utf8_is_authentic_all_the_same() -> None:
    body = b"\xff\xfe\x00"
    assert signing.verify(delivery(signing.sign(SECRET, "m", NOW, body), body), (SECRET,)) == "m"


def test_new_secrets_fit_and_differ() -> None:
    made = {new_signing_secret() for _ in range(50)}
    assert len(made) == 50
    for secret in made:
        assert signing.verify(delivery(signing.sign(secret, "m", NOW, BODY)), (secret,)) == "m"


def test_the_refusal_of_an_unknown_site_reads_like_any_other() -> None:
    with pytest.raises(DeliveryRefused) as wrong:
        signing.verify(delivery(signed()), (OTHER,))
    assert str(signing.refuse(delivery(signed()))) == str(wrong.value)
    assert str(signing.refuse(delivery({}))) == str(wrong.value)


NAMES = st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"])
VALUES = st.one_of(st.text(max_size=200), st.integers().map(str), st.text(alphabet="v1, =AQ/+\x00é٣", max_size=60))


@given(st.dictionaries(NAMES, VALUES), st.binary(max_size=200), st.lists(st.text(max_size=80), max_size=3), st.integers(0, 2**62))
@example({"webhook-id": "a", "webhook-timestamp": str(NOW), "webhook-signature": "v1"}, b"", [SECRET], NOW * 10**6)
@example({"webhook-id": "a", "webhook-timestamp": str(NOW), "webhook-signature": "v1,AAA"}, b"\xff", [SECRET], NOW * 10**6)
@settings(max_examples=400, deadline=None)
def test_fuzz_nothing_but_a_refusal(headers: dict[str, str], body: bytes, secrets: list[str], now: int) -> None:
    with pytest.raises(DeliveryRefused):
        signing.verify(Delivery("POST", "/", headers, body, now), secrets)


@given(st.binary(max_size=300), st.data())
@settings(max_examples=200, deadline=None)
def test_fuzz_any_changed_byte_is_refused(body: bytes, data: st.DataObject) -> None:
    headers = signing.sign(SECRET, "msg_1", NOW, body)
    assert signing.verify(delivery(headers, body), (SECRET,)) == "msg_1"
    changed = bytearray(body or b"x")
    at = data.draw(st.integers(0, len(changed) - 1))
    changed[at] ^= data.draw(st.integers(1, 255))
    refused(delivery(headers, bytes(changed)))
    name = data.draw(NAMES)
    at = data.draw(st.integers(0, len(headers[name]) - 1))
    other = data.draw(st.characters(exclude_characters=headers[name][at]))
    refused(delivery(headers | {name: headers[name][:at] + other + headers[name][at + 1 :]}, body))
