"""HTTP to other people's servers: pinned to a checked address, never redirected, bounded in bytes and in seconds.

`requests_hardened` resolves a name once, filters the address and connects to exactly that one, so that neither a
redirect nor a second answer of the name server leads inside the owner's network. Added here: our own address table
(`kit/addresses.py`), the owner's-network mode, the caps, the total deadline and the one translation of errors.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast
from urllib.parse import urlsplit

import requests
from requests_hardened import Config, HTTPSession

from app.domain.errors import MediaGone, MediaUnreadable, PicwardError, PlatformRefused, PlatformUnavailable
from app.domain.limits import MAX_IMAGE_BYTES
from integrations.kit.answers import Answer, Explain, gone, succeed, translated
from integrations.kit.pinning import Deadline, PinnedAdapter, limited

CONNECT_SECONDS = 5.0
"""How long a TCP and TLS connection may take; a healthy host on another continent needs less than one."""

READ_SECONDS = 60.0
"""How long a server may be silent; swapping the 8 files of a 12-megapixel picture takes 4 on a quiet host, 30 on a bad one."""

TOTAL_SECONDS = 120.0
"""How long one exchange may take in all, so that a server which drips one byte at a time holds no worker."""

MAX_ANSWER_BYTES = 4_000_000
"""How large an answer that is no image may be, in bytes; a listing of 200 images has about 150 000."""

_IN_MEMORY_BYTES = 2_000_000  # above it a fetched image is spooled to a temporary file: 64 threads x 20 MB is too much
_CHUNK_BYTES = 65_536
_AGENT = "Picward/0.1 (+image moderation connector)"


class Session:
    """Requests under one site's network rule.

    Cheap to make and safe between threads: the connections behind it are shared.
    """

    def __init__(self, private_network: bool = False) -> None:
        self._private = private_network

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limit: int = MAX_ANSWER_BYTES,
        total_seconds: float = TOTAL_SECONDS,
        explain: Explain | None = None,
    ) -> Answer:
        """Send and return a 2xx answer of at most `limit` bytes. Raise `PlatformUnavailable` or `PlatformRefused`."""
        with self._exchange(method, url, headers, body, total_seconds) as (response, host):
            parts = []
            size = 0
            for chunk in _chunks(response):
                size += len(chunk)
                if size > limit:
                    raise PlatformRefused(f"{host} answered more than {limit} bytes.")
                parts.append(chunk)
            answer = Answer(response.status_code, _lower(response), b"".join(parts), host)
        return succeed(answer, explain)

    def open_bytes(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limit: int = MAX_IMAGE_BYTES,
        total_seconds: float = TOTAL_SECONDS,
        sha256: str = "",
        explain: Explain | None = None,
    ) -> BinaryIO:
        """Fetch a file into a bounded buffer and return it at its start.

        Raise `MediaUnreadable` when it has more than `limit` bytes, `MediaGone` when it is not there or its sha256
        (lower-case hex, if one is given) differs, `PlatformUnavailable` when a page came in its place, and what `request` raises.
        """
        with self._exchange(method, url, headers, body, total_seconds) as (response, host):
            if not 200 <= response.status_code < 300:
                refusal = b"".join(_first(_chunks(response), _CHUNK_BYTES))
                succeed(Answer(response.status_code, _lower(response), refusal, host), explain or gone)
            announced = response.headers.get("Content-Length", "")
            if announced.isascii() and announced.isdigit() and len(announced) < 19 and int(announced) > limit:
                raise MediaUnreadable(f"The picture is larger than {limit} bytes.")
            page = response.headers.get("Content-Type", "").lower().startswith("text/html")
            return _spool(_chunks(response), limit, sha256, host, page=page)

    @contextmanager
    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes | None, total_seconds: float
    ) -> Iterator[tuple[requests.Response, str]]:
        host = _host(url)
        late = PlatformUnavailable(f"{host} did not finish its answer within {total_seconds:g} seconds.")
        deadline = Deadline(total_seconds)
        try:
            with limited(deadline):
                response = _shared(self._private).request(
                    method,
                    url,
                    # Identity: a small compressed answer must not become a large one.
                    headers={"Accept-Encoding": "identity", "User-Agent": _AGENT, **(headers or {})},
                    data=body,
                    stream=True,
                    timeout=(min(CONNECT_SECONDS, total_seconds), min(READ_SECONDS, total_seconds)),
                )
            with response:
                yield response, host
                if deadline.passed:
                    raise late
        except PicwardError:
            raise
        except Exception as error:
            if deadline.passed:
                raise late from None
            raise translated(error, host) from None
        finally:
            deadline.end()


class _Unredirected(HTTPSession):  # type: ignore[misc]  # requests_hardened has no types
    def get_redirect_target(self, resp: requests.Response) -> None:
        """See no redirect: to prepare even one that is not followed, requests reads the whole body, without a limit."""


_sessions: dict[bool, HTTPSession] = {}
_sessions_lock = threading.Lock()


def _shared(private_network: bool) -> HTTPSession:
    """Return the session that keeps connections open per host, so that a listing of many pages costs one handshake."""
    with _sessions_lock:
        if private_network not in _sessions:
            session = _Unredirected(
                Config(
                    ip_filter_enable=True,
                    ip_filter_allow_loopback_ips=False,
                    never_redirect=True,
                    default_timeout=(CONNECT_SECONDS, READ_SECONDS),
                )
            )
            # No proxy and no netrc from the environment: a proxy would resolve names by itself, past the filter.
            session.trust_env = False
            # One site's cookies are not for the next, and a shared jar is not safe between threads.
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            for scheme in ("http", "https"):
                session.mount(f"{scheme}://", PinnedAdapter(scheme == "https", private_network))
            _sessions[private_network] = session
        return _sessions[private_network]


def _forget_sessions() -> None:
    global _sessions_lock
    _sessions.clear()
    _sessions_lock = threading.Lock()


# A forked worker must not speak on its parent's connections.
os.register_at_fork(after_in_child=_forget_sessions)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise PlatformRefused("The address is not a valid web address.") from None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None or parts.password is not None:
        raise PlatformRefused("The address must start with http:// or https:// and hold neither a name nor a password.")
    return host[:253]


def _chunks(response: requests.Response) -> Iterator[bytes]:
    # read1 gives what is there, so that a limit is noticed at once; read would wait for a full chunk.
    while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
        yield chunk


def _first(chunks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk[:limit]
        limit -= len(chunk)
        if limit <= 0:
            return


_SNIFFED_BYTES = 1445
"""As many as browsers look at to tell a page from a file."""

_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)*<(!doctype html|html|head|body|title|script|h1|p)[\s>]", re.I | re.S)
"""How a page begins, after WHATWG's MIME Sniffing Standard, table of HTML. No picture that we judge begins so."""


def _spool(chunks: Iterator[bytes], limit: int, sha256: str, host: str, *, page: bool) -> BinaryIO:
    spool = cast(BinaryIO, SpooledTemporaryFile(_IN_MEMORY_BYTES))  # noqa: SIM115  the caller closes it
    digest = hashlib.sha256()
    try:
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise MediaUnreadable(f"The picture is larger than {limit} bytes.")
            digest.update(chunk)
            spool.write(chunk)
        if not sha256 or not hmac.compare_digest(digest.hexdigest(), sha256):
            spool.seek(0)
            if page or _PAGE.match(spool.read(_SNIFFED_BYTES)):
                # A page for visitors, as servers show while they are maintained; it says nothing about the picture.
                raise PlatformUnavailable(f"{host} answered with a page in place of the picture; it may be under maintenance.")
            if sha256:
                raise MediaGone("The bytes are not those of the version that was reported.")
    except BaseException:
        spool.close()
        raise
    spool.seek(0)
    return spool


def _lower(response: requests.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def json_body(document: Mapping[str, object]) -> bytes:
    """Write a document as compact UTF-8 JSON."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
