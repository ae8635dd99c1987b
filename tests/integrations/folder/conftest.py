from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "pictures"
    made.mkdir()
    return made


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clock be far ahead, so that nothing counts as being written."""
    monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)


@pytest.fixture
def two_filesystems(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let renames and links between the directory and its quarantine fail as between two filesystems."""

    def across(function: Any) -> Any:
        def run(source: Any, target: Any, *, src_dir_fd: int, dst_dir_fd: int, **more: Any) -> None:
            there, here = (os.fstat(fd).st_ino for fd in (src_dir_fd, dst_dir_fd))
            if there != here:
                raise OSError(errno.EXDEV, "Invalid cross-device link")
            function(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd, **more)

        return run

    monkeypatch.setattr(os, "rename", across(os.rename))
    monkeypatch.setattr(os, "link", across(os.link))
