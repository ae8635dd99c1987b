"""How times, states and verdicts are written for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

from app.domain.decisions import Decision, Reason
from app.domain.media import name_of
from app.domain.roles import Role
from app.domain.taxonomy import CATEGORIES
from app.domain.time import SECOND
from app.services.review import showing
from app.web.texts import _, lazy, ngettext, say

SAID = {
    "connected": lazy("The site is connected."),
    "asked": lazy("Picward is looking at what is already there. New findings appear within minutes."),
    "counting": lazy("Picward is counting what is there. Nothing is queued."),
    "stopped": lazy("Stopped. Asked again, it goes on from there."),
    "checked": lazy("The connection works."),
    "disconnected": lazy("The site is disconnected and its secrets are forgotten."),
    "paused": lazy("The site is paused: deliveries are still taken, nothing is judged or written back."),
    "resumed": lazy("The site is active again."),
    "saved": lazy("Saved."),
    "unchanged": lazy("Nothing was changed."),
    "escalated": lazy("Escalated. Owners and restricted reviewers see it now."),
    "undone": lazy("Undone: it is as it was before."),
    "nothing_to_undo": lazy("There is nothing of yours to take back here. The history takes back anything."),
    "nothing_chosen": lazy("Nothing was chosen."),
    "keys_kept": lazy("Your keys are kept."),
    "retried": lazy("The action is tried again now."),
    "dismissed": lazy("Put away."),
    "unparked": lazy("That action is no longer waiting."),
    "erased": lazy("The site is disconnected, and everything that Picward kept of it is erased."),
    "changed": lazy("Changed. It holds from the next click on."),
    "disabled": lazy("The account is disabled, and its sessions have ended."),
    "enabled": lazy("The account works again."),
    "revoked": lazy("The invitation is taken back."),
    "password": lazy("Your password is changed, and every other session has ended."),
    "ended": lazy("That session has ended."),
    "token_revoked": lazy("The token is worth nothing from now on."),
}
"""What a page may say after a redirect, by the word in its address: an address can choose a message and never write one."""

VERDICTS = {"allow": lazy("Allowed"), "review": lazy("Waiting"), "block": lazy("Blocked")}

STATES = {"pairing": lazy("Waiting to be connected"), "active": lazy("Active"), "paused": lazy("Paused")}

MODES = {
    "shadow": (lazy("Watch only"), lazy("records what it would do, and does nothing")),
    "review": (lazy("Ask a person"), lazy("brings it to the review queue, and never blocks by itself")),
    "enforce": (lazy("Act"), lazy("asks a person from the one score, and blocks by itself from the other")),
}

ROLES = {
    Role.OWNER: (lazy("Owner"), lazy("does everything: sites, policies, people")),
    Role.REVIEWER: (lazy("Reviewer"), lazy("sees what was found and gives verdicts")),
    Role.RESTRICTED: (
        lazy("Restricted reviewer"),
        lazy("a reviewer who also judges what is in restricted categories, such as known abuse material"),
    ),
    Role.READER: (lazy("Read-only"), lazy("sees decisions, history and figures; pictures stay blurred")),
}
"""What each role is called, and what it means in one line."""

_ACTIONS = {
    ("hide", "done"): lazy("Hidden"),
    ("hide", "due"): lazy("Will be hidden"),
    ("hide", "busy"): lazy("Being hidden"),
    ("restore", "done"): lazy("Restored"),
    ("restore", "due"): lazy("Will be restored"),
    ("restore", "busy"): lazy("Being restored"),
    ("delete", "done"): lazy("Deleted"),
    ("delete", "due"): lazy("Will be deleted"),
    ("label", "done"): lazy("Site informed"),
    ("label", "due"): lazy("Site will be informed"),
    ("label", "busy"): lazy("Site is being informed"),
}
_OUTCOMES = {
    "parked": lazy("Not done, needs you"),
    "drifted": lazy("Changed at the site meanwhile"),
    "gone": lazy("The picture is gone"),
    "superseded": lazy("Replaced by a later action"),
}


def action_text(action: str, state: str) -> str:
    """Describe how far a decision's action has come."""
    return str(_ACTIONS.get((action, state)) or _OUTCOMES.get(state) or f"{action} {state}".strip())


def utc(at: int | str) -> datetime:
    return datetime.fromisoformat(at) if isinstance(at, str) else datetime.fromtimestamp(at / SECOND, UTC)


def moment(at: int | str | None) -> Markup:
    """Write a time, in UTC, as people and programs can read it."""
    if not at:
        return escape(_("never"))
    time = utc(at)
    return Markup('<time datetime="{}">{}</time>').format(
        time.strftime("%Y-%m-%dT%H:%M:%SZ"), time.strftime("%Y-%m-%d %H:%M\u202fUTC")
    )


def ago(at: int | None, now: int) -> Markup:
    """Write how long something is ago, with the exact time behind it."""
    if not at:
        return escape(_("never"))
    time = utc(at)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        time.strftime("%Y-%m-%d %H:%M:%S UTC"),
        _("%(span)s ago", span=span((now - at) // SECOND)),
    )


_SPANS: tuple[tuple[int, Callable[[int], str]], ...] = (
    (86_400, lambda count: ngettext("%(num)s day", "%(num)s days", count)),
    (3600, lambda count: ngettext("%(num)s hour", "%(num)s hours", count)),
    (60, lambda count: ngettext("%(num)s minute", "%(num)s minutes", count)),
)


def span(seconds: int) -> str:
    """Write a length of time in its largest unit."""
    for size, said in _SPANS:
        if seconds >= size:
            return said(seconds // size)
    return _("less than a minute")


def seconds(length: float) -> str:
    """Write a length of time that was measured, with two digits that mean something."""
    for size, unit in ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s")):
        if length >= size:
            return f"{_two_digits(length / size)}\u202f{unit}"
    return f"{_two_digits(length * 1000)}\u202fms"


def _two_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")


def number(count: int) -> str:
    """Write a number with its thousands apart."""
    return f"{count:,}".replace(",", "\u202f")


def label(name: str) -> str:
    """Make a label of a field's or a context's name."""
    return name.replace("_", " ").strip().capitalize()


def picture_name(decision: Decision) -> str:
    """Name an image as people know it; by its id when the platform tells no name."""
    return name_of(decision.media)


def category_title(category: str) -> str:
    if category == "*":
        return _("Everything else")
    return say(CATEGORIES[category].title) if category in CATEGORIES else label(category.replace(".", " · "))


def restricted(reasons: Iterable[Reason]) -> bool:
    """Tell whether these reasons forbid any picture to be shown."""
    return any(CATEGORIES[reason.category].restricted for reason in reasons if reason.category in CATEGORIES)


FILTERS: dict[str, Callable[..., Any]] = {
    "moment": moment,
    "ago": ago,
    "span": span,
    "label": label,
    "picture_name": picture_name,
    "category_title": category_title,
    "restricted": restricted,
    "reason_text": showing.reason_text,
    "action_text": action_text,
    "number": number,
    "seconds": seconds,
    "say": say,
    "verdict": lambda verdict: str(VERDICTS.get(str(verdict), verdict)),
    "site_state": lambda state: str(STATES.get(str(state), state)),
    "role": lambda role: str(ROLES[role][0]),
}
