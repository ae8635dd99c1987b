"""What other servers answer, and the one translation of their refusals into the domain's errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

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
from app.domain.time import DAY, SECOND

RETRY_AFTER_SECONDS = DAY / SECOND
"""The longest wait that a platform can ask for; longer ones are taken for a mistake."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, bounded in size. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    host: str


Explain = Callable[[Answer], PicwardError | None]
"""Translate an answer that is no success in the platform's own terms, or give None for the general translation."""


def gone(answer: Answer) -> PicwardError | None:
    """Explain the statuses by which any HTTP server says that a file is not there, is now another one, or is not given out."""
    if answer.status in (404, 409, 410, 412):
        return MediaGone(f"{answer.host} no longer has this version of the picture ({answer.status}).")
    if answer.status == 403:
        return PlatformUnavailable(f"{answer.host} does not give out the picture now (403).")
    return None


def succeed(answer: Answer, explain: Explain | None) -> Answer:
    """Return a 2xx answer; raise what `explain` or the general table makes of any other."""
    if 200 <= answer.status < 300:
        return answer
    error = explain(answer) if explain is not None else None
    raise error or _refusal(answer)


def _refusal(answer: Answer) -> PicwardError:
    host, status = answer.host, answer.status
    if 300 <= status < 400:
        leads_to = target(answer)
        return PlatformRefused(f"{host} sends us on to {leads_to}; enter that address instead, we follow no redirect.")
    if status in (408, 425, 429) or status >= 500:
        # 429 is about who asks, and a server that is up and says when it will answer speaks of all that it serves.
        asked = _retry_after(answer)
        error = PlatformThrottled if status == 429 or (status == 503 and asked is not None) else PlatformUnavailable
        return error(f"{host} asked us to come back later ({status}).", asked)
    if status == 401:
        return CredentialsExpired(f"{host} no longer accepts our credentials; connect the site again.")
    if status == 403:
        # Platforms that refuse one thing say why, in their own terms. This is a wall's word about whoever asks.
        return PlatformClosed(f"{host} forbids the request (403): a firewall or a rule there may keep Picward out.")
    return PlatformRefused(f"{host} refused the request ({status}).")


def target(answer: Answer) -> str:
    """Name where a redirect leads when that is the same host, or that with or without www. What else it says is a stranger's."""
    try:
        parts = urlsplit(answer.headers.get("location", ""))
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "another address"
    if not parts.hostname or parts.scheme not in ("http", "https"):
        return "another page"
    same = parts.hostname.removeprefix("www.") == answer.host.lower().removeprefix("www.")
    return f"{parts.scheme}://{parts.hostname}{port}" if same else "another address"


def code(text: str) -> str:
    """Return an error's code as it may be quoted: letters, digits, _ and -, at most 60 of them; "" for any other text."""
    return text if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", text) else ""


def _retry_after(answer: Answer) -> float | None:
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        seconds = float(value[:12])
    else:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0.0), RETRY_AFTER_SECONDS)


def translated(error: Exception, host: str) -> PicwardError:
    """Translate what the transport raised. The text names the host only: paths and queries may hold secrets."""
    if isinstance(error, InvalidIPAddress):
        return AddressForbidden(
            f"{host} leads into a private network. If that is right, an owner turns on “This site is on my own network”."
        )
    # OpenSSL's word for a chain that does not hold, and urllib3's for another host's certificate.
    if isinstance(error, requests.exceptions.SSLError) and re.search("CERTIFICATE_VERIFY_FAILED|doesn't match", str(error)):
        return PlatformRefused(f"The certificate of {host} is not valid.")
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader)):
        return PlatformRefused(f"The address of {host} is not a valid web address.")
    if isinstance(error, requests.Timeout | TimeoutError | urllib3.exceptions.TimeoutError):
        return PlatformUnavailable(f"{host} did not answer in time.")
    if isinstance(error, requests.RequestException | urllib3.exceptions.HTTPError | OSError | ValueError | EOFError):
        return PlatformUnavailable(f"{host} cannot be reached or broke off its answer.")
    # http.client has a family of its own, which is no OSError.
    return PlatformUnavailable(f"{host} answered something that is not HTTP ({type(error).__name__}).")
