"""Deliveries: proven or refused, read or named unreadable, and never a crash."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.errors import DeliveryRefused, DeliveryUnreadable, PlatformUnavailable
from app.domain.events import Delivery, MediaUploaded, Parsed
from app.domain.platform import FindSite, Platform, SiteState
from app.services.pipeline.intake import KEPT_HEADERS
from tests.contract.sample import Sample, finder

ONE_BY_ONE = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def first(sample: Sample) -> Delivery:
    return sample.recordings()[next(iter(sample.events))]


def refused(platform: Platform, sample: Sample, delivery: Delivery, **over: object) -> None:
    for let_in in (platform.authenticate, platform.admit):
        with pytest.raises(DeliveryRefused) as refusal:
            let_in(delivery, finder(sample.site(**over)))
        assert not any(secret in str(refusal.value) for secret in sample.secrets)


def test_a_platform_that_sends_nothing_lets_nothing_in(platform: Platform, sample: Sample) -> None:
    empty = Delivery("POST", "/", {}, b"", 0)
    # What a newcomer's platform sends is proof in itself.
    recorded = () if sample.welcomes else sample.recordings().values()
    for delivery in (empty, replace(empty, body=b"{}", headers={"authorization": "Bearer x"}), *recorded):
        for let_in in (platform.authenticate, platform.admit):
            with pytest.raises(DeliveryRefused):
                let_in(delivery, lambda id: None)


def unproven(sample: Sample) -> list[Delivery]:
    """Collect what strangers may send: nothing, garbage, a vendor's token with a key nobody has, our own recordings spoilt."""
    empty = Delivery("POST", "/", {}, b"{}", sample.now * 1_000_000)
    key = base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "kid": "nobody"}).encode()).decode().rstrip("=")
    sent = [replace(empty, headers={"authorization": f"Bearer {token}"}) for token in ("x", f"{key}.{key}.AAAA")]
    for recorded in sample.recordings().values():
        blank = {name: "" for name in recorded.headers if name in sample.signature_headers()} if sample.webhooks else {}
        sent += [
            replace(recorded, headers={**recorded.headers, **blank}),
            replace(recorded, headers={**recorded.headers, **blank, "authorization": f"Bearer {key}.{key}.AAAA"}),
        ]
    return [empty, *sent]


def test_nothing_unproven_makes_us_call_out(platform: Platform, sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    find: FindSite = finder(sample.site()) if sample.webhooks else lambda claimed: None
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, lambda self, address: called.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *about, **_: called.append(about) or [])
    for delivery in unproven(sample):
        for let_in in (platform.authenticate, platform.admit):
            with contextlib.suppress(DeliveryRefused, PlatformUnavailable):
                let_in(delivery, find)
    assert called == []
    with contextlib.suppress(OSError, TypeError):
        socket.create_connection(("platform.example", 443))
    assert called, "the control: a call would have been seen"


def test_every_recorded_delivery_says_its_events(platform: Platform, sending: Sample) -> None:
    assert set(sending.events) <= set(sending.recordings())
    for name, events in sending.events.items():
        delivery = sending.recordings()[name]
        site = platform.authenticate(delivery, finder(sending.site()))
        assert site == sending.site()
        parsed = platform.parse(delivery, site)
        assert parsed.events == events, name
        assert 0 < len(parsed.id) <= 200
        for event, expected in zip(parsed.events, events, strict=True):
            # Equality of a MediaRef is about pixels only; the rest must be right too.
            if isinstance(event, MediaUploaded) and isinstance(expected, MediaUploaded):
                assert (event.media.source, event.media.parent) == (expected.media.source, expected.media.parent)
                assert event.media.context == expected.media.context


def test_parsing_is_pure(platform: Platform, sending: Sample) -> None:
    delivery = first(sending)
    assert platform.parse(delivery, sending.site()) == platform.parse(replace(delivery, received_at=0), sending.site())


def test_a_stored_delivery_is_read_as_it_was(platform: Platform, sending: Sample) -> None:
    for name in sending.events:
        delivery = sending.recordings()[name]
        kept = {key: value for key, value in delivery.headers.items() if key in (*KEPT_HEADERS, *platform.kept_headers)}
        assert not set(kept) & {"authorization", "cookie", *(key for key in kept if "signature" in key or "hmac" in key)}
        assert platform.parse(replace(delivery, headers=kept), sending.site()) == platform.parse(delivery, sending.site())


def test_ids_tell_deliveries_apart_and_retries_share_one(platform: Platform, sending: Sample) -> None:
    ids = {}
    for name in sending.events:
        delivery = sending.recordings()[name]
        retry = sending.signed(delivery, at=sending.now + 3_600)
        retry = replace(retry, received_at=(sending.now + 3_600) * 1_000_000)
        assert platform.authenticate(retry, finder(sending.site())) == sending.site()
        ids[name] = platform.parse(delivery, sending.site()).id
        assert platform.parse(retry, sending.site()).id == ids[name]
    assert len(set(ids.values())) == len(ids)


@pytest.mark.table("forged and garbled deliveries")
def test_a_tampered_byte_is_refused(platform: Platform, signed_bytes: Sample) -> None:
    for delivery in signed_bytes.recordings().values():
        for at in {0, 1, len(delivery.body) // 2, len(delivery.body) - 1}:
            body = bytearray(delivery.body)
            body[at] ^= 1
            refused(platform, signed_bytes, replace(delivery, body=bytes(body)))
        refused(platform, signed_bytes, replace(delivery, body=delivery.body + b" "))
        refused(platform, signed_bytes, replace(delivery, body=delivery.body[:-1]))
        refused(platform, signed_bytes, replace(delivery, body=b""))


@pytest.mark.table("forged and garbled deliveries")
@pytest.mark.parametrize("blank", ["", " ", "\x00", "x", "whsec_"])
def test_a_blank_token_proves_nothing_though_the_site_holds_the_same(platform: Platform, token: Sample, blank: str) -> None:
    delivery = token.signed(first(token), secret=blank)
    assert not any(secret in str(delivery.headers) for secret in token.secrets)
    refused(platform, token, delivery, secrets=(blank,))


@pytest.mark.table("forged and garbled deliveries")
def test_a_token_of_another_site_proves_nothing(platform: Platform, token: Sample) -> None:
    mine, other = token.site(), token.site(id="another", key="another", secrets=(token.secrets[-1],))
    delivery = token.signed(first(token), secret=token.secrets[-1])
    for let_in in (platform.authenticate, platform.admit):
        with pytest.raises(DeliveryRefused):
            let_in(delivery, finder(mine, other))


@pytest.mark.table("forged and garbled deliveries")
@pytest.mark.parametrize("value", [None, "", " ", "garbled", "é", "\x00", "v1,", ",", "9" * 5_000, "x" * 100_000])
def test_missing_blank_garbled_and_non_ascii_headers_are_refused(platform: Platform, sending: Sample, value: str | None) -> None:
    delivery = first(sending)
    for name in sending.signature_headers():
        headers = {key: held for key, held in delivery.headers.items() if key != name}
        refused(platform, sending, replace(delivery, headers=headers if value is None else headers | {name: value}))


@pytest.mark.table("forged and garbled deliveries")
def test_repeated_headers_are_refused(platform: Platform, sending: Sample) -> None:
    delivery = first(sending)
    for name in sending.signature_headers():
        for glue in (",", ", "):
            headers = {**delivery.headers, name: glue.join([delivery.headers[name]] * 2)}
            refused(platform, sending, replace(delivery, headers=headers))


@pytest.mark.table("forged and garbled deliveries")
@pytest.mark.parametrize("off", [-86_400, -302, 302, 86_400, 10**9])
def test_stale_and_future_deliveries_are_refused(platform: Platform, timestamped: Sample, off: int) -> None:
    refused(platform, timestamped, replace(first(timestamped), received_at=(timestamped.now + off) * 1_000_000))


@pytest.mark.table("forged and garbled deliveries")
@pytest.mark.parametrize("secrets", [(), ("",), (" ",), ("\x00",), ("whsec_",), ("whsec_AAAA",), ("é",)])
def test_wrong_and_blank_secrets_prove_nothing(platform: Platform, own_secrets: Sample, secrets: tuple[str, ...]) -> None:
    refused(platform, own_secrets, first(own_secrets), secrets=secrets)


def test_old_and_new_secret_are_both_accepted_while_rotated(platform: Platform, own_secrets: Sample) -> None:
    old, new = own_secrets.site().secrets[0], own_secrets.secrets[-1]
    rotating = own_secrets.site(secrets=(new, old))
    for secret in (old, new):
        delivery = own_secrets.signed(first(own_secrets), secret=secret)
        assert platform.authenticate(delivery, finder(rotating)) == rotating
    refused(platform, own_secrets, own_secrets.signed(first(own_secrets), secret=new))


@pytest.mark.table("forged and garbled deliveries")
def test_unknown_and_removed_sites_are_refused_alike(platform: Platform, own_secrets: Sample) -> None:
    refused(platform, own_secrets, first(own_secrets), state=SiteState.REMOVED)
    refused(platform, own_secrets, first(own_secrets), id="another", key="another")


def test_active_and_paused_sites_are_let_in(platform: Platform, sending: Sample) -> None:
    for state in (SiteState.ACTIVE, SiteState.PAUSED):
        assert platform.authenticate(first(sending), finder(sending.site(state=state))).state is state


def test_who_is_not_stored_yet_is_a_newcomer_or_refused(platform: Platform, sending: Sample) -> None:
    if not sending.welcomes:
        refused(platform, sending, first(sending), id="another", key="another")
        return
    newcomer = platform.authenticate(first(sending), finder())
    assert (newcomer.id, newcomer.key, newcomer.state) == ("", sending.site().key, SiteState.PAIRING)
    assert newcomer.key and newcomer.platform == platform.slug and not newcomer.credentials


def test_a_finder_that_finds_another_site_changes_nothing(platform: Platform, sending: Sample) -> None:
    other = sending.site(id="another", key="another")
    with pytest.raises(DeliveryRefused):
        platform.authenticate(first(sending), lambda id: other)


HOSTILE = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"\xff\xfe\x00",
    b'{"a":"\xc3"}',
    b"[" * 100_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b"9" * 10_000,
    b'{"a":NaN}',
]


@pytest.mark.table("forged and garbled deliveries")
@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_authentic_but_unreadable_bodies_are_named_and_never_crash(platform: Platform, sending: Sample, body: bytes) -> None:
    delivery = sending.signed(first(sending), body=body)
    assert platform.authenticate(delivery, finder(sending.site())) == sending.site()
    with pytest.raises(DeliveryUnreadable):
        platform.parse(delivery, sending.site())


def test_truncated_bodies_are_unreadable(platform: Platform, sending: Sample) -> None:
    for name in sending.events:
        delivery = sending.recordings()[name]
        for end in {1, len(delivery.body) // 3, len(delivery.body) // 2, len(delivery.body) - 1}:
            with pytest.raises(DeliveryUnreadable):
                platform.parse(sending.signed(delivery, body=delivery.body[:end]), sending.site())


def test_fuzz_headers(platform: Platform, sending: Sample) -> None:
    delivery = first(sending)

    @ONE_BY_ONE
    @given(st.dictionaries(st.sampled_from(sending.signature_headers()), st.text(max_size=100), min_size=1))
    def run(changed: Mapping[str, str]) -> None:
        if any(delivery.headers[name] != value for name, value in changed.items()):
            refused(platform, sending, replace(delivery, headers={**delivery.headers, **changed}))

    run()


def test_fuzz_signed_bodies(platform: Platform, sending: Sample) -> None:
    delivery = first(sending)

    @ONE_BY_ONE
    @given(
        st.integers(0, len(delivery.body)),
        st.integers(0, 20),
        st.binary(max_size=12) | st.sampled_from([b"null", b"[]", b"{}", b"-1"]),
    )
    def run(at: int, cut: int, put: bytes) -> None:
        changed = sending.signed(delivery, body=delivery.body[:at] + put + delivery.body[at + cut :])
        try:
            site = platform.authenticate(changed, finder(sending.site()))
        except DeliveryRefused:
            return
        try:
            assert isinstance(platform.parse(changed, site), Parsed)
        except DeliveryUnreadable as error:
            assert len(str(error)) < 300

    run()
