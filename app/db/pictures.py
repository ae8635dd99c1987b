"""What is known about bytes: fingerprints and signals, shared by all sites; previews, of one site each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from app.db.sql import columns, execute_compiled, execute_typed, insert_many, put, read_one, values
from app.db.tables import decisions, looks, pictures, previews, signals
from app.domain.detector import MATCH_DISTANCE, Fingerprint
from app.domain.media import Region
from app.domain.signals import Signal


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """Hold a picture's small versions, each encrypted."""

    clear: bytes
    blurred: bytes


_KNOWN = select(signals.c.detector, signals.c.version, signals.c.seen).where(
    signals.c.sha256 == bindparam("sha256"), signals.c.decoding >= bindparam("decoding")
)


def known_signals(
    connection: Connection, sha256: str, detectors: Mapping[str, str], decoding: int = 1
) -> dict[str, tuple[Signal, ...]]:
    """Give the signals that these detectors, in these versions, have for these bytes, decoded so or by a later version."""
    rows = execute_typed(connection, _KNOWN, {"sha256": sha256, "decoding": decoding})
    return {
        detector: tuple(_signal(detector, version, one) for one in seen)
        for detector, version, seen in rows
        if detectors.get(detector) == version
    }


def _signal(detector: str, version: str, seen: dict[str, Any]) -> Signal:
    region = Region(**seen["region"]) if seen.get("region") else None
    return Signal(detector, version, seen["category"], seen["score"], region, seen.get("note", ""))


def keep(
    connection: Connection,
    fingerprint: Fingerprint,
    versions: Mapping[str, str],
    seen: Mapping[str, tuple[Signal, ...]],
    decoding: int,
) -> None:
    put(connection, pictures, values(fingerprint))
    for detector, found in seen.items():
        packed = [
            {
                "category": signal.category,
                "score": round(signal.score, 4),
                "region": asdict(signal.region) if signal.region else None,
                "note": signal.note,
            }
            for signal in found
        ]
        put(
            connection,
            signals,
            {
                "sha256": fingerprint.sha256,
                "detector": detector,
                "version": versions[detector],
                "seen": packed,
                "decoding": decoding,
            },
        )


def fingerprint(connection: Connection, sha256: str) -> Fingerprint | None:
    return read_one(connection, select(*columns(pictures, Fingerprint)).where(pictures.c.sha256 == sha256), Fingerprint)


def keep_preview(connection: Connection, site_id: str, sha256: str, clear: bytes, blurred: bytes, now: int) -> None:
    put(connection, previews, {"site_id": site_id, "sha256": sha256, "clear": clear, "blurred": blurred, "created_at": now})


def preview(connection: Connection, site_id: str, sha256: str) -> PreviewRow | None:
    query = select(*columns(previews, PreviewRow)).where(previews.c.site_id == site_id, previews.c.sha256 == sha256)
    return read_one(connection, query, PreviewRow)


def has_preview(connection: Connection, site_id: str, sha256: str) -> bool:
    query = select(previews.c.created_at).where(previews.c.site_id == site_id, previews.c.sha256 == sha256)
    return connection.execute(query).scalar() is not None


def forget_previews(connection: Connection, site_id: str, before: int) -> int:
    return connection.execute(delete(previews).where(previews.c.site_id == site_id, previews.c.created_at < before)).rowcount


def forget_preview(connection: Connection, site_id: str, sha256: str) -> None:
    connection.execute(delete(previews).where(previews.c.site_id == site_id, previews.c.sha256 == sha256))


PIECES = 16
"""A PDQ hash of 256 bits is cut into so many pieces: two that differ in at most 31 bits agree in one up to one bit."""

LOOKED_AT = 2000
"""Candidates whose whole hash is compared at most. By chance a hash shares a piece, up to a bit, with one image in 240: with
as many it is reached at half a million questioned images."""


_PDQ = select(pictures.c.pdq).where(pictures.c.sha256 == bindparam("sha256"), pictures.c.pdq != "")


def keep_look(connection: Connection, job_id: int, sha256: str) -> None:
    """Make an image findable by its look, if its look is known."""
    for (pdq,) in execute_compiled(connection, _PDQ, {"sha256": sha256}):
        insert_many(connection, looks, [{"piece": piece, "job_id": job_id} for piece in _pieces(pdq)])


def _pieces(pdq: str) -> list[int]:
    digits = len(pdq) // PIECES
    return [place << 16 | int(pdq[place * digits : (place + 1) * digits], 16) for place in range(PIECES)]


def look_alikes(connection: Connection, site_id: str, sha256: str, limit: int) -> list[tuple[int, int]]:
    """Find questioned images of a site that look like these bytes: (job id, bits that differ), the nearest first.

    Exact up to `MATCH_DISTANCE`, by 16 x 17 look-ups in an index, as long as fewer than `LOOKED_AT` share a piece.
    """
    pdq = connection.execute(select(pictures.c.pdq).where(pictures.c.sha256 == sha256)).scalar()
    if not pdq:
        return []
    near = [piece ^ bit for piece in _pieces(pdq) for bit in (0, *(1 << place for place in range(16)))]
    candidates = select(looks.c.job_id).where(looks.c.piece.in_(near)).distinct().limit(LOOKED_AT).subquery()
    query = (
        select(decisions.c.job_id, pictures.c.pdq)
        .join(candidates, candidates.c.job_id == decisions.c.job_id)
        .join(pictures, pictures.c.sha256 == decisions.c.sha256)
        .where(decisions.c.site_id == site_id, pictures.c.pdq != "")
        .distinct()
    )
    mine = int(pdq, 16)
    found = [((int(row.pdq, 16) ^ mine).bit_count(), row.job_id) for row in connection.execute(query)]
    return [(job_id, distance) for distance, job_id in sorted(found) if distance <= MATCH_DISTANCE][:limit]
