"""What a replay reads: the columns that decide a verdict, of many decisions at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Executable, Text, bindparam, case, cast, func, literal_column, or_, select

from app.db.decisions import CURRENT
from app.db.sql import execute_compiled, written
from app.db.tables import decisions, jobs, pictures, signals
from app.domain.decisions import Verdict
from app.domain.jobs import WorkState
from app.domain.media import Context

CHUNK = 2_000
"""Decisions that are read at once: some MB of memory, and few enough round trips."""

_LAST = 1 << 62


@dataclass(slots=True)
class Stored:
    """Hold a decision in force that a policy made, with what it was made from.

    `peaks` maps a detector to its version and the highest score of each category. `noted` are the packed reasons, where
    they tell of a failure or of a list. `failed` says that something could not be judged.
    """

    id: int
    sha256: str
    verdict: Verdict
    enforce: bool
    context_packed: Any
    noted: Sequence[dict[str, Any]]
    failed: bool
    pdq: str
    others: tuple[str, ...]
    peaks: dict[str, tuple[str, Mapping[str, float]]]

    def context(self) -> Context:
        return {key: tuple(values) for key, values in _unpacked(self.context_packed).items()}


def _unpacked(value: Any) -> Any:
    return _decode(value) if isinstance(value, str) else value  # one driver gives text, the other what is in it


_words = cast(decisions.c.reasons, Text)
_NOTED = {"file": '%"unsafe.file"%', "list": '%hash"%'}
_POLICYS_WORD = or_(decisions.c.policy_version.is_not(None), decisions.c.restored_version.is_not(None))


def _reading(*, looks: bool) -> Executable:
    picked = (
        select(
            decisions.c.id,
            decisions.c.sha256,
            decisions.c.verdict,
            decisions.c.enforce,
            jobs.c.context,
            case((or_(_words.like(bindparam("file")), _words.like(bindparam("list"))), decisions.c.reasons)).label("noted"),
        )
        .join(jobs, jobs.c.id == decisions.c.job_id)
        .where(decisions.c.site_id == bindparam("site"), decisions.c.id < bindparam("before"), _POLICYS_WORD, CURRENT)
        .where(jobs.c.state == written(WorkState.DONE))
        .order_by(decisions.c.id.desc())
        .limit(bindparam("size"))
        .offset(literal_column("0"))  # else it becomes a parameter without a name of ours
        .subquery("picked")
    )
    source = picked.outerjoin(signals, signals.c.sha256 == picked.c.sha256)
    look = (pictures.c.pdq, pictures.c.others) if looks else (written(""), written("[]"))
    if looks:
        source = source.outerjoin(pictures, pictures.c.sha256 == picked.c.sha256)
    seen = (signals.c.detector, signals.c.version, signals.c.seen)
    return select(*picked.c, *look, *seen).select_from(source).order_by(picked.c.id.desc())


_READING = {looks: _reading(looks=looks) for looks in (False, True)}
_NOTHING: Mapping[str, float] = {}
_NO_HASHES = (None, "[]")
_VERDICTS = {verdict.value: verdict for verdict in Verdict}
_decode = json.JSONDecoder().decode


def in_force(connection: Connection, site_id: str, limit: int, *, looks: bool = False) -> Iterator[list[Stored]]:
    """Give a site's last decisions in force that are a policy's word, of images that are there; newest first, in chunks.

    `looks` reads the pictures' PDQ hashes, too.
    """
    before, left = _LAST, limit
    while left > 0:
        size = min(CHUNK, left)
        rows = execute_compiled(connection, _READING[looks], {"site": site_id, "before": before, "size": size, **_NOTED})
        chunk: list[Stored] = []
        for id, sha256, verdict, enforce, context, noted, pdq, others, detector, version, seen in rows:
            found = {detector: (version, _NOTHING if seen == "[]" else _peaks(seen))} if detector is not None else {}
            if id == before:
                chunk[-1].peaks.update(found)
                continue
            before = id
            packed = _unpacked(noted) if noted is not None else ()
            failed = bool(packed) and _failed(packed)
            prints = pdq or "", () if others in _NO_HASHES else tuple(_unpacked(others))
            chunk.append(Stored(id, sha256, _VERDICTS[verdict], bool(enforce), context, packed, failed, *prints, found))
        if chunk:
            yield chunk
        if len(chunk) < size:
            return
        left -= size


def _failed(packed: Sequence[dict[str, Any]]) -> bool:
    """Say whether a reason is about the file and was given by no rule."""
    return any(reason["category"] == "unsafe.file" and not reason.get("rule") for reason in packed)


def _peaks(seen: Any) -> Mapping[str, float]:
    peaks: dict[str, float] = {}
    for signal in _unpacked(seen):
        category, score = signal["category"], signal["score"]
        if score > peaks.get(category, -1.0):
            peaks[category] = score
    return peaks


def decided_by_people(connection: Connection, site_id: str) -> set[str]:
    """Give the sha256 of all bytes that a person's last verdict on this site binds."""
    of_people = (decisions.c.site_id == site_id, decisions.c.person != written(""), decisions.c.sha256 != "")
    last = select(func.max(decisions.c.id).label("id")).where(*of_people).group_by(decisions.c.sha256).subquery("last")
    query = (
        select(decisions.c.sha256)
        .join(last, last.c.id == decisions.c.id)
        .where(decisions.c.restored_version.is_(None), decisions.c.verdict != Verdict.REVIEW)
    )
    return set(connection.execute(query).scalars())


def contexts(connection: Connection, site_id: str, limit: int) -> list[Context]:
    """Give what the platform said about the pictures that were decided last."""
    query = (
        select(jobs.c.context)
        .join(decisions, decisions.c.job_id == jobs.c.id)
        .where(decisions.c.site_id == site_id)
        .order_by(decisions.c.id.desc())
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def blocked_by(connection: Connection, site_id: str, version: int) -> list[tuple[int, str]]:
    """Give the decisions of one policy version that block and are in force, of images that are there: id and sha256."""
    query = (
        select(decisions.c.id, decisions.c.sha256)
        .join(jobs, jobs.c.id == decisions.c.job_id)
        .where(decisions.c.site_id == site_id, decisions.c.policy_version == version, CURRENT)
        .where(decisions.c.verdict == written(Verdict.BLOCK), jobs.c.state == written(WorkState.DONE))
        .order_by(decisions.c.id)
    )
    return [(row.id, row.sha256) for row in connection.execute(query)]
