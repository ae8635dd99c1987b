"""What is known about bytes: fingerprints and signals, shared by all sites; previews, of one site each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from app.db.statements import put
from app.db.tables import pictures, previews, signals
from app.domain.detector import Fingerprint
from app.domain.media import Region
from app.domain.signals import Signal


def known_signals(connection: Connection, sha256: str, detectors: Mapping[str, str]) -> dict[str, tuple[Signal, ...]]:
    """Give the signals that these detectors, in these versions, have for these bytes."""
    rows = connection.execute(select(signals).where(signals.c.sha256 == sha256))
    return {
        row.detector: tuple(_signal(row.detector, row.version, seen) for seen in row.seen)
        for row in rows
        if detectors.get(row.detector) == row.version
    }


def _signal(detector: str, version: str, seen: dict[str, Any]) -> Signal:
    region = Region(**seen["region"]) if seen.get("region") else None
    return Signal(detector, version, seen["category"], seen["score"], region, seen.get("note", ""))


def keep(
    connection: Connection, fingerprint: Fingerprint, versions: Mapping[str, str], seen: Mapping[str, tuple[Signal, ...]]
) -> None:
    put(connection, pictures, asdict(fingerprint))
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
            {"sha256": fingerprint.sha256, "detector": detector, "version": versions[detector], "seen": packed},
        )


def fingerprint(connection: Connection, sha256: str) -> Fingerprint | None:
    row = connection.execute(select(pictures).where(pictures.c.sha256 == sha256)).one_or_none()
    return Fingerprint(row.sha256, row.pdq, row.width, row.height) if row else None


def keep_preview(connection: Connection, site_id: str, sha256: str, clear: bytes, blurred: bytes, now: int) -> None:
    put(connection, previews, {"site_id": site_id, "sha256": sha256, "clear": clear, "blurred": blurred, "created_at": now})


def preview(connection: Connection, site_id: str, sha256: str) -> Row[Any] | None:
    return connection.execute(select(previews).where(previews.c.site_id == site_id, previews.c.sha256 == sha256)).one_or_none()


def forget_previews(connection: Connection, site_id: str, before: int) -> int:
    return connection.execute(delete(previews).where(previews.c.site_id == site_id, previews.c.created_at < before)).rowcount


def forget_preview(connection: Connection, site_id: str, sha256: str) -> None:
    connection.execute(delete(previews).where(previews.c.site_id == site_id, previews.c.sha256 == sha256))
