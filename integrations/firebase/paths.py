"""Paths as owners type them, understood as they are meant, or refused with the reason."""

from __future__ import annotations

import re

from integrations.kit.paths import OWNER

_PART = re.compile(r"\{\s*[A-Za-z_]\w*\s*\}")
_REST = re.compile(r"\{\s*[A-Za-z_]\w*\s*=\s*\*\*\s*\}")  # as the Storage rules write it


def understood(path: str) -> str:
    """Return a watched path in our own terms. Raise ValueError with what to write instead.

    `{anything}` is one part between slashes and `{anything=**}` all of them, as in the Storage rules; `**/` is any folders or
    none. What names no file, having neither a star nor a dot at its end, means everything below it.
    """
    path = _placed(path)
    path = _PART.sub(OWNER, _REST.sub("*", path)).replace("**/", "*")
    path = re.sub(r"\*+", "*", path)
    last = path.rpartition("/")[2]
    return path if not last or "." in last or "*" in last else f"{path}/"


def understood_owner(path: str) -> str:
    """Return a path that says whose picture it is in our own terms. Raise ValueError with what to write instead."""
    path = _REST.sub("*", _placed(path))
    parts = _PART.findall(path)
    if OWNER in parts:
        return _PART.sub(lambda part: OWNER if part[0] == OWNER else "*", path)
    if len(parts) != 1:
        raise ValueError(f"{path}: write {OWNER} where the user's id is, such as users/{OWNER}/")
    return path.replace(parts[0], OWNER)


def _placed(path: str) -> str:
    if re.match(r"[a-z]+://", path, re.IGNORECASE):
        inside = re.sub(r"^[a-z]+://[^/]*/?", "", path, flags=re.IGNORECASE) if path.lower().startswith("gs://") else "uploads/"
        raise ValueError(f"{path}: a path is written as the objects are called, without the bucket: {inside or '*'}")
    left = _PART.sub("", _REST.sub("", path))
    if "{" in left or "}" in left:
        raise ValueError(f"{path}: braces hold one name, such as {OWNER}")
    return path.lstrip("/") or "*"
