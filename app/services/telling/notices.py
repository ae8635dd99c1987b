"""Tell owners what happened on their sites, by e-mail and by an outgoing web address: at most once an hour for each site.

Nothing is written down when something happens: a look at the site finds what happened since the last one. What was found
is kept as a digest until every way it goes has taken it, or it is given up.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from app.db import audit, decisions, tasks
from app.db import notices as rows
from app.db.notices import NoticeChange, NoticeRow
from app.domain.errors import PicwardError, PlatformUnavailable
from app.domain.media import name_of
from app.domain.ports import Mail
from app.domain.settings import SiteSettings
from app.domain.tasks import TIMINGS, Task
from app.domain.time import DAY, HOUR, SECOND, iso
from app.services.core import Core
from app.services.secrets import new_signing_secret

log = logging.getLogger(__name__)

LOOK_SECONDS = 60
"""How long a site is left alone after it was looked at for something to tell."""

SETTLED_SECONDS = 60
"""How long ago something must have happened to be told: what is being written down at this moment cannot be read yet."""

PAUSE_SECONDS = HOUR // SECOND
"""How long nothing is told after a message: a bad day is a few messages, and not a thousand."""

REMIND_SECONDS = DAY // SECOND
"""How often a queue that waits is told again."""

LEASE_SECONDS = 120
"""How long one worker may take to send a digest before another tries: over both ways' time-outs."""

RETRY_SECONDS = 10
"""How long the first try after a failure waits; each waits twice as long as the one before, up to `PAUSE_SECONDS`."""

GIVE_UP_SECONDS = DAY // SECOND
"""How long a digest is tried: after a day it is no news, and the next one is due."""

NAMED = 10
"""Pictures that a message names; it counts the others."""

COUNTED = 1000
"""Pictures that a message counts, at most; it says that there are more."""

MAIL, WEBHOOK = "mail", "webhook"


def wanted(settings: SiteSettings) -> list[str]:
    """List the ways in which a site's owner wants to be told."""
    return [way for way, given in ((MAIL, settings.tell_emails), (WEBHOOK, settings.tell_webhook)) if given]


def ways(settings: Mapping[str, Any]) -> bool:
    """Tell whether stored settings name any way to tell the owner."""
    return bool(settings.get("tell_emails") or settings.get("tell_webhook"))


def tend(core: Core, site_id: str, name: str, settings: SiteSettings, trouble: str) -> bool:
    """Look at one site when its turn has come, and send what there is to tell; return whether something was sent."""
    if not wanted(settings):
        return False
    now = core.now()
    with core.db.read() as connection:
        row = rows.get(connection, site_id)
    if row is None:
        with core.db.write() as connection:
            rows.begin(connection, site_id, now)
        return False
    if row.run_at > now:
        return False
    with core.db.write() as connection:
        if not rows.take_turn(connection, site_id, row.run_at, now + LEASE_SECONDS * SECOND):
            return False
    digest = json.loads(core.vault.open(row.digest)) if row.digest else _compose(core, row, name, settings, trouble, now)
    return _deliver(core, row, settings, digest) if digest is not None else False


def next_look(core: Core, site_id: str, settings: SiteSettings) -> int:
    """Choose when a site is looked at next by itself: for what waits too long, or for a message that could not be sent.

    What happens there brings that forward, see `app.db.tasks.hurry_news`.
    """
    now = core.now()
    with core.db.read() as connection:
        row = rows.get(connection, site_id)
        oldest = decisions.oldest_waiting(connection, site_id) if settings.tell_waiting_hours else None
    if row is None or row.digest is not None:
        return row.run_at if row is not None else now
    if not settings.tell_waiting_hours:
        return now + TIMINGS[Task.NOTICES].longest
    too_long = (now if oldest is None else oldest) + settings.tell_waiting_hours * HOUR
    return max(too_long, row.reminded_at + REMIND_SECONDS * SECOND, row.run_at)


def look_for_news(core: Core, after: int) -> int:
    """Have those sites looked at where something happened since a line of the trail, -1 for now; return its last line."""
    now = core.now()
    with core.db.write() as connection:
        return tasks.hurry_news(connection, after, now + SETTLED_SECONDS * SECOND, now)


def secret(core: Core, site_id: str) -> str:
    """Return the secret that signs what goes to a site's outgoing web address; it is made at the first call."""
    with core.db.read() as connection:
        row = rows.get(connection, site_id)
    locked = row.secret if row is not None else None
    if locked is None:
        fresh = new_signing_secret()
        with core.db.write() as connection:
            rows.begin(connection, site_id, core.now())
            row = rows.get(connection, site_id)
            locked = row.secret if row is not None else None
            if locked is None:
                rows.change(connection, site_id, secret=core.vault.lock(fresh.encode()))
                return fresh
    return core.vault.open(locked).decode()


def problem(core: Core, site_id: str) -> str:
    """Explain why the last message could not be sent, "" when it could."""
    with core.db.read() as connection:
        row = rows.get(connection, site_id)
    return row.problem if row is not None else ""


def _compose(core: Core, row: NoticeRow, name: str, settings: SiteSettings, trouble: str, now: int) -> dict[str, Any] | None:
    """Find what there is to tell and keep it, or look again later."""
    site_id = row.site_id
    until = max(now - SETTLED_SECONDS * SECOND, row.covers_until)
    changes: NoticeChange = {"covers_until": until, "run_at": now + LOOK_SECONDS * SECOND, "attempts": 0}
    digest: dict[str, Any] = {}
    with core.db.read() as connection:
        if settings.tell_hidden:
            _put(digest, "hidden", _hidden(connection, site_id, row.covers_until, until))
        if settings.tell_parked:
            _put(digest, "needs_you", _unmade(connection, site_id, row.covers_until, until))
        if settings.tell_waiting_hours and now - row.reminded_at >= REMIND_SECONDS * SECOND:
            _put(digest, "waiting", _waiting(connection, site_id, settings.tell_waiting_hours, now))
    if "waiting" in digest:
        changes["reminded_at"] = now
    if trouble != row.trouble:
        if settings.tell_trouble:
            _put(digest, "trouble", trouble)
        changes["trouble"] = trouble
    if digest:
        site = {"id": site_id, "name": name, "page": f"{core.public_url}/sites/{site_id}"}
        digest = {"id": f"nt_{secrets.token_hex(12)}", "at": now, "site": site, "ways": wanted(settings), **digest}
        changes["digest"] = core.vault.lock(json.dumps(digest).encode())
        changes["run_at"] = now + LEASE_SECONDS * SECOND
    with core.db.write() as connection:
        rows.change(connection, site_id, **changes)
    return digest or None


def _put(digest: dict[str, Any], what: str, found: object) -> None:
    if found:
        digest[what] = found


def _hidden(connection: Connection, site_id: str, since: int, until: int) -> dict[str, Any] | None:
    found = rows.hidden(connection, site_id, since, until, COUNTED)
    names = [{"decision": one.decision_id, "name": name_of(one.media)} for one in found if not one.restricted]
    return {"count": len(found), "first": names[:NAMED]} if found else None


def _unmade(connection: Connection, site_id: str, since: int, until: int) -> dict[str, Any] | None:
    found = rows.unmade(connection, site_id, since, until, COUNTED)
    first = [{"decision": row.decision_id, "action": row.action, "problem": row.problem} for row in found[:NAMED]]
    return {"count": len(found), "first": first} if found else None


def _waiting(connection: Connection, site_id: str, hours: int, now: int) -> dict[str, int] | None:
    oldest = decisions.oldest_waiting(connection, site_id)
    if oldest is None or now - oldest < hours * HOUR:
        return None
    return {"count": decisions.count_waiting(connection, site_id), "oldest_hours": (now - oldest) // HOUR}


def _deliver(core: Core, row: NoticeRow, settings: SiteSettings, digest: dict[str, Any]) -> bool:
    left: list[str] = []
    troubles: list[str] = []
    asked: float | None = None
    for way in digest["ways"]:
        try:
            _send(core, way, row.site_id, settings, digest)
        except PicwardError as error:
            left.append(way)
            troubles.append(str(error))
            asked = max(asked or 0.0, (error.retry_after or 0.0) if isinstance(error, PlatformUnavailable) else 0.0)
    now = core.now()
    old = now - digest["at"] > GIVE_UP_SECONDS * SECOND
    with core.db.write() as connection:
        if left and not old:
            attempts = (row.attempts if row.digest else 0) + 1
            kept = core.vault.lock(json.dumps({**digest, "ways": left}).encode())
            wait = max(min(RETRY_SECONDS * 2.0 ** (attempts - 1), PAUSE_SECONDS), asked or 0.0)
            again = now + int(wait * SECOND)
        else:
            kept, attempts, again = None, 0, now + PAUSE_SECONDS * SECOND
        rows.change(connection, row.site_id, digest=kept, attempts=attempts, run_at=again, problem="; ".join(troubles))
        if left and old:
            audit.add(connection, now, "worker", "notice.given_up", "A message was not sent: " + "; ".join(troubles), row.site_id)
    return not left


def _send(core: Core, way: str, site_id: str, settings: SiteSettings, digest: Mapping[str, Any]) -> None:
    if way == MAIL and settings.tell_emails:
        if core.send_mail is None:
            raise PlatformUnavailable("No mail server is set up: the operator sets PICWARD_SMTP_HOST.")
        core.send_mail(Mail(settings.tell_emails, _subject(digest), _text(digest), digest["id"]))
    if way == WEBHOOK and settings.tell_webhook and core.call_webhook is not None:
        said = {key: value for key, value in digest.items() if key not in ("id", "at", "ways")}
        body = {"type": "site.digest", "timestamp": iso(digest["at"]).replace("+00:00", "Z"), "data": said}
        private = bool(getattr(settings, "private_network", False))
        core.call_webhook(
            settings.tell_webhook,
            secret(core, site_id),
            digest["id"],
            core.now(),
            json.dumps(body, ensure_ascii=False).encode(),
            private_network=private,
        )


def _subject(digest: Mapping[str, Any]) -> str:
    said = []
    if "trouble" in digest:
        said.append("in trouble")
    if "needs_you" in digest:
        said.append(f"{_number(digest['needs_you'])} need you")
    if "hidden" in digest:
        said.append(f"{_number(digest['hidden'])} hidden")
    if "waiting" in digest:
        said.append(f"{digest['waiting']['count']} waiting")
    return f"{digest['site']['name']}: {', '.join(said)}"


def _number(found: Mapping[str, Any]) -> str:
    return f"{found['count']}{' or more' if found['count'] >= COUNTED else ''}"


def _text(digest: Mapping[str, Any]) -> str:
    """Write the message: what happened, and where to act. Names come from strangers and are kept to a line each."""
    page = digest["site"]["page"]
    base = page.partition("/sites/")[0]
    parts: list[str] = []
    if trouble := digest.get("trouble"):
        parts.append(f"{digest['site']['name']} is in trouble:\n  {_line(trouble)}\n{page}")
    if found := digest.get("needs_you"):
        lines = [
            f"  {item['action']}: {_line(item['problem'])}\n  {base}/decisions/{item['decision']}" for item in found["first"]
        ]
        parts.append(_listed(f"Not done, needs you: {_number(found)}", lines, found["count"]) + f"\n{page}")
    if found := digest.get("hidden"):
        lines = [f"  {_line(item['name'])}\n  {base}/decisions/{item['decision']}" for item in found["first"]]
        parts.append(_listed(f"Hidden by a rule: {_number(found)}", lines, found["count"]))
    if found := digest.get("waiting"):
        parts.append(
            f"Waiting for a person: {found['count']}, the oldest for {found['oldest_hours']} hours\n"
            f"{base}/review?site={digest['site']['id']}"
        )
    parts.append(f"You get this because of the settings of this site:\n{page}/settings")
    return "\n\n".join(parts) + "\n"


def _listed(title: str, lines: Sequence[str], count: int) -> str:
    more = [f"  and {count - len(lines)} more"] if count > len(lines) else []
    return "\n".join([title, *lines, *more])


def _line(text: str) -> str:
    plain = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(plain.split())[:200]
