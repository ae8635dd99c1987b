"""The small pictures that people decide by: which may be kept, and encrypted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from app.db import pictures, sites
from app.domain.decisions import Reason, Verdict
from app.domain.detector import Judgement
from app.domain.signals import Signal
from app.domain.taxonomy import restricted
from app.domain.time import DAY
from app.services.core import Core


def worth_showing(reasons: Iterable[Reason]) -> bool:
    """Tell whether people will want to see the picture: something was found, also in shadow, and nothing that is restricted."""
    found = [reason for reason in reasons if reason.verdict is not Verdict.ALLOW]
    return bool(found) and not restricted(reason.category for reason in found)


def seal(core: Core, judgement: Judgement, listed: Sequence[Signal]) -> tuple[bytes, bytes] | None:
    """Make the clear and the blurred preview, encrypted; None when the picture cannot be decoded."""
    shown = judgement.preview(listed)
    return (core.vault.lock(shown[0]), core.vault.lock(shown[1])) if shown is not None else None


SITES_TOGETHER = 200
"""Sites whose previews are dropped in one transaction: a webhook must not wait for more."""


def forget_old(core: Core, after: str, stopping: Callable[[], bool]) -> str:
    """Drop the previews that are older than each site's settings keep them, from the id `after` on; return where to go on,
    "" at the end."""
    while True:
        now = core.now()
        with core.db.read() as connection:
            found = sites.page(connection, after, SITES_TOGETHER)
        if found:
            with core.db.write() as connection:
                for row in found:
                    pictures.forget_previews(connection, row.id, now - row.settings.get("preview_days", 30) * DAY)
        if len(found) < SITES_TOGETHER:
            return ""
        after = found[-1].id
        if stopping():
            return after
