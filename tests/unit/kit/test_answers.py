from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests
import urllib3
from requests_hardened.ip_filter import InvalidIPAddress

from app.domain.errors import (
    AddressForbidden,
    CredentialsExpired,
    MediaGone,
    PicwardError,
    PlatformClosed,
    PlatformRefused,
    PlatformThrottled,
    PlatformUnavailable,
)
from integrations.kit import answers
from integrations.kit.answers import Answer


def answer(status: int, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"", "shop.example")


def refusal(status: int, **headers: str) -> PicwardError:
    with pytest.raises(PicwardError) as raised:
        answers.succeed(answer(status, **headers), None)
    return raised.value


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, PlatformRefused), (302, PlatformRefused), (304, PlatformRefused), (307, PlatformRefused), (308, PlatformRefused),
        (400, PlatformRefused), (401, CredentialsExpired), (403, PlatformClosed), (404, PlatformRefused), (405, PlatformRefused),
        (408, PlatformUnavailable), (418, PlatformRefused), (425, PlatformUnavailable), (429, PlatformThrottled),
        (500, PlatformUnavailable), (502, PlatformUnavailable), (503, PlatformUnavailable), (504, PlatformUnavailable),
        (599, PlatformUnavailable),
    ],
)  # fmt: skip
def test_each_status_has_its_error(status: int, error: type[PicwardError]) -> None:
    assert type(refusal(status)) is error
    assert "shop.example" in str(refusal(status))


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success_passes(status: int) -> None:
    assert answers.succeed(answer(status), lambda it: MediaGone("not asked")).status == status


def test_the_platform_explains_first() -> None:
    with pytest.raises(MediaGone):
        answers.succeed(answer(500), lambda it: MediaGone("gone"))


@pytest.mark.parametrize("status", [404, 409, 410, 412])
def test_a_missing_or_changed_file_is_gone(status: int) -> None:
    assert isinstance(answers.gone(answer(status)), MediaGone)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0.0), ("7", 7.0), ("9" * 400, 86_400.0), ("-1", None), ("soon", None), ("", None), ("٣", None), ("1.5", None)],
)
def test_retry_after_in_seconds(value: str, seconds: float | None) -> None:
    error = refusal(429, retry_after=value)
    assert isinstance(error, PlatformUnavailable)
    assert error.retry_after == seconds


def test_retry_after_as_a_date() -> None:
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    error = refusal(503, retry_after=in_a_minute)
    assert isinstance(error, PlatformUnavailable)
    assert 55 < (error.retry_after or 0) <= 60
    for odd in ("Mon, 01 Jan 0001 00:00:00 GMT", "Mon, 01 Jan 2001 00:00:00", "Mon, 99 Foo 99999 99:99:99 GMT"):
        error = refusal(503, retry_after=odd)
        assert isinstance(error, PlatformUnavailable)
        assert error.retry_after in (None, 0.0)


@pytest.mark.parametrize(
    ("location", "names"),
    [
        ("https://shop.example/", "https://shop.example;"),
        ("https://key:s3cret@www.shop.example:8443/s3cret?token=s3cret", "https://www.shop.example:8443;"),
        ("https://s3cret.example/", "another address"),
        ("javascript:s3cret", "another page"),
        ("/s3cret", "another page"),
        ("", "another page"),
        ("http://[::1", "another address"),
        ("http://a:99999999/", "another address"),
    ],
)
def test_a_redirect_names_where_it_leads_without_secrets(location: str, names: str) -> None:
    text = str(refusal(302, location=location))
    assert names in text
    assert "s3cret" not in text


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (InvalidIPAddress("10.0.0.1: private"), AddressForbidden),
        (requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] expired"), PlatformRefused),
        (requests.exceptions.SSLError("handshake failure"), PlatformUnavailable),
        (requests.exceptions.InvalidURL("http://s3cret"), PlatformRefused),
        (requests.exceptions.ConnectTimeout("s3cret"), PlatformUnavailable),
        (requests.exceptions.ReadTimeout("s3cret"), PlatformUnavailable),
        (requests.exceptions.ConnectionError("s3cret"), PlatformUnavailable),
        (urllib3.exceptions.ProtocolError("s3cret"), PlatformUnavailable),
        (urllib3.exceptions.LocationParseError("s3cret"), PlatformUnavailable),
        (ConnectionResetError("s3cret"), PlatformUnavailable),
        (ValueError("s3cret"), PlatformUnavailable),
        (RuntimeError("s3cret"), PlatformUnavailable),
    ],
)
def test_what_the_transport_raises_is_translated_without_secrets(error: Exception, becomes: type[PicwardError]) -> None:
    translated = answers.translated(error, "shop.example")
    assert type(translated) is becomes
    assert "s3cret" not in str(translated)
    if becomes is AddressForbidden:
        assert "“This site is on my own network”" in str(translated)
