"""Weights: found, pulled and proven, without a network."""

from __future__ import annotations

import hashlib
import os
from io import BytesIO
from pathlib import Path
from typing import IO
from urllib.error import URLError

import pytest

from app.domain.errors import ModelUnavailable
from models import store
from models.registry import cards
from models.store import Weights, find, pull

BODY = b"weights" * 1000
URL = "https://models.example/a/model.onnx"


def weights(**changes: object) -> Weights:
    values = {"sha256": hashlib.sha256(BODY).hexdigest(), "bytes": len(BODY), "url": URL} | changes
    return Weights(**values)  # type: ignore[arg-type]


def gives(body: bytes):
    def open_(url: str) -> IO[bytes]:
        assert url == URL
        return BytesIO(body)

    return open_


def refuses(url: str) -> IO[bytes]:
    raise URLError("no such host")


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_weights_in_a_package_are_found_without_importing_it() -> None:
    assert find(cards()["nudenet"].file, None).name == "320n.onnx"


def test_pull_then_find(tmp_path: Path) -> None:
    path = pull(weights(), tmp_path / "new", gives(BODY))
    assert path.read_bytes() == BODY and find(weights(), tmp_path / "new") == path
    assert leftovers(tmp_path / "new") == [path.name]


def test_what_is_there_is_not_pulled_again(tmp_path: Path) -> None:
    path = pull(weights(), tmp_path, gives(BODY))
    assert pull(weights(), tmp_path, refuses) == path


@pytest.mark.parametrize(
    ("body", "reason"), [(BODY[:-1] + b"x", "sha256"), (BODY + b"more", "larger"), (BODY[:50], "sha256"), (b"", "sha256")]
)
def test_other_bytes_are_refused_and_leave_nothing(tmp_path: Path, body: bytes, reason: str) -> None:
    with pytest.raises(ModelUnavailable, match=reason):
        pull(weights(), tmp_path, gives(body))
    assert leftovers(tmp_path) == []


def test_a_broken_line_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no such host"):
        pull(weights(), tmp_path, refuses)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("url", ["http://models.example/m.onnx", "file:///etc/passwd", "ftp://models.example/m"])
def test_only_https_is_opened(tmp_path: Path, url: str) -> None:
    with pytest.raises(ModelUnavailable, match="https only"):
        pull(weights(url=url), tmp_path)
    with pytest.raises(ModelUnavailable, match="https only"):
        store._open_https(url)
    with pytest.raises(ModelUnavailable, match="https only"):
        store._HttpsOnly().redirect_request(None, None, 302, "", {}, url)


def test_missing_weights_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="models pull"):
        find(weights(), tmp_path)
    with pytest.raises(ModelUnavailable, match="weights folder"):
        find(weights(), None)
    with pytest.raises(ModelUnavailable, match="pip install no_such_package"):
        find(weights(url="", package="no_such_package", path="a.onnx"), None)
    with pytest.raises(ModelUnavailable, match="reinstall nudenet"):
        find(weights(url="", package="nudenet", path="a.onnx"), None)


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    path = pull(weights(), tmp_path, gives(BODY))
    find(weights(), tmp_path)
    path.write_bytes(BODY[::-1])
    os.utime(path, ns=(1, 1))
    with pytest.raises(ModelUnavailable, match="not the ones"):
        find(weights(), tmp_path)
    assert pull(weights(), tmp_path, gives(BODY)).read_bytes() == BODY
