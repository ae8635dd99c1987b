"""How times, states and verdicts are written for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from app.domain.decisions import Decision, Reason
from app.domain.taxonomy import CATEGORIES
from app.services import review
from app.services.core import SECOND

SAID = {
    "connected": "The site is connected.",
    "asked": "Picward is looking at what is already there. New findings appear within minutes.",
    "checked": "The connection works.",
    "disconnected": "The site is disconnected and its secrets are forgotten.",
    "paused": "The site is paused: deliveries are still taken, nothing is judged or written back.",
    "resumed": "The site is active again.",
    "saved": "Saved.",
    "unchanged": "Nothing was changed.",
    "retried": "The action is tried again now.",
    "dismissed": "Put away.",
    "unparked": "That action is no longer waiting.",
}
"""What a page may say after a redirect, by the word in its address: an address can choose a message and never write one."""

VERDICTS = {"allow": "Allowed", "review": "Waiting", "block": "Blocked"}

STATES = {"pairing": "Waiting to be connected", "active": "Active", "paused": "Paused"}

MODES = {
    "shadow": ("Watch only", "records what it would do, and does nothing"),
    "review": ("Ask a person", "brings it to the review queue, and never blocks by itself"),
    "enforce": ("Act", "asks a person from the one score, and blocks by itself from the other"),
}

_ACTIONS = {
    ("hide", "done"): "Hidden",
    ("hide", "due"): "Will be hidden",
    ("hide", "busy"): "Being hidden",
    ("restore", "done"): "Restored",
    ("restore", "due"): "Will be restored",
    ("restore", "busy"): "Being restored",
    ("delete", "done"): "Deleted",
    ("delete", "due"): "Will be deleted",
    ("label", "done"): "Site informed",
    ("label", "due"): "Site will be informed",
    ("label", "busy"): "Site is being informed",
}
_OUTCOMES = {
    "parked": "Not done, needs you",
    "drifted": "Changed at the site meanwhile",
    "gone": "The picture is gone",
    "superseded": "Replaced by a later action",
}


def action_text(action: str, state: str) -> str:
    """Say how far a decision's action came."""
    return _ACTIONS.get((action, state)) or _OUTCOMES.get(state) or f"{action} {state}".strip()


def utc(at: int | str) -> datetime:
    return datetime.fromisoformat(at) if isinstance(at, str) else datetime.fromtimestamp(at / SECOND, UTC)


def moment(at: int | str | None) -> Markup:
    """Write a time, in UTC, as people and programs can read it."""
    if not at:
        return Markup("never")
    time = utc(at)
    return Markup('<time datetime="{}">{}</time>').format(
        time.strftime("%Y-%m-%dT%H:%M:%SZ"), time.strftime("%Y-%m-%d %H:%M\u202fUTC")
    )


def ago(at: int | None, now: int) -> Markup:
    """Write how long something is ago, with the exact time behind it."""
    if not at:
        return Markup("never")
    time = utc(at)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        time.strftime("%Y-%m-%dT%H:%M:%SZ"), time.strftime("%Y-%m-%d %H:%M:%S UTC"), span((now - at) // SECOND) + " ago"
    )


def span(seconds: int) -> str:
    """Write a length of time in its largest unit."""
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"


def label(name: str) -> str:
    """Make a label of a field's or a context's name."""
    return name.replace("_", " ").strip().capitalize()


def picture_name(decision: Decision) -> str:
    """Give the name that people know an image by; its id when the platform tells none."""
    for key in ("title", "file", "name"):
        if values := decision.media.context.get(key):
            return values[0]
    return decision.media.id


def category_title(category: str) -> str:
    if category == "*":
        return "Everything else"
    return CATEGORIES[category].title if category in CATEGORIES else label(category.replace(".", " · "))


def restricted(reasons: Iterable[Reason]) -> bool:
    """Say whether no picture may be shown with these reasons."""
    return any(CATEGORIES[reason.category].restricted for reason in reasons if reason.category in CATEGORIES)


FILTERS: dict[str, Callable[..., Any]] = {
    "moment": moment,
    "ago": ago,
    "span": span,
    "label": label,
    "picture_name": picture_name,
    "category_title": category_title,
    "restricted": restricted,
    "reason_text": review.reason_text,
    "action_text": action_text,
    "verdict": lambda verdict: VERDICTS.get(str(verdict), str(verdict)),
    "site_state": lambda state: STATES.get(str(state), str(state)),
}
