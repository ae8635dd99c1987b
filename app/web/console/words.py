"""How times, states and verdicts are written for people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum, auto
from typing import Any

from markupsafe import Markup, escape

from app.domain.decisions import Decision
from app.domain.errors import PicwardError, TooBusy, TooManyRequests
from app.domain.media import name_of
from app.domain.names import is_claim
from app.domain.roles import Role
from app.domain.settings import Kind
from app.domain.taxonomy import CATEGORIES, restricted
from app.domain.time import DAY, HOUR, MINUTE, SECOND, utc
from app.services.review import showing
from app.web.texts import Lazy, _, lazy, ngettext, say


class Said(StrEnum):
    """Name what a page may say after a redirect: its address can choose a message, and never write one."""

    CONNECTED = auto()
    ASKED = auto()
    COUNTING = auto()
    STOPPED = auto()
    CHECKED = auto()
    DISCONNECTED = auto()
    PAUSED = auto()
    RESUMED = auto()
    SAVED = auto()
    UNCHANGED = auto()
    ESCALATED = auto()
    UNDONE = auto()
    NOTHING_TO_UNDO = auto()
    NOTHING_CHOSEN = auto()
    KEYS_KEPT = auto()
    RETRIED = auto()
    DISMISSED = auto()
    UNPARKED = auto()
    ERASED = auto()
    CHANGED = auto()
    DISABLED = auto()
    ENABLED = auto()
    REVOKED = auto()
    PASSWORD = auto()
    ENDED = auto()
    TOKEN_REVOKED = auto()
    FORGOTTEN = auto()
    LISTED = auto()
    UNSHARED = auto()
    IDLE = auto()
    OLD = auto()


SAID: dict[Said, Lazy] = {
    Said.CONNECTED: lazy("The site is connected."),
    Said.ASKED: lazy("Picward is looking at what is already there. New findings appear within minutes."),
    Said.COUNTING: lazy("Picward is counting what is there. Nothing is queued."),
    Said.STOPPED: lazy("Stopped. Asked again, it goes on from there."),
    Said.CHECKED: lazy("The connection works."),
    Said.DISCONNECTED: lazy("The site is disconnected and its secrets are forgotten."),
    Said.PAUSED: lazy("The site is paused: deliveries are still taken, nothing is judged or written back."),
    Said.RESUMED: lazy("The site is active again."),
    Said.SAVED: lazy("Saved."),
    Said.UNCHANGED: lazy("Nothing was changed."),
    Said.ESCALATED: lazy("Escalated. Owners and restricted reviewers see it now."),
    Said.UNDONE: lazy("Undone: it is as it was before."),
    Said.NOTHING_TO_UNDO: lazy("There is nothing of yours to take back here. The history takes back anything."),
    Said.NOTHING_CHOSEN: lazy("Nothing was chosen."),
    Said.KEYS_KEPT: lazy("Your keys are kept."),
    Said.RETRIED: lazy("The action is tried again now."),
    Said.DISMISSED: lazy("Put away."),
    Said.UNPARKED: lazy("That action is no longer waiting."),
    Said.ERASED: lazy("The site is disconnected, and everything that Picward kept of it is erased."),
    Said.CHANGED: lazy("Changed. It holds from the next click on."),
    Said.DISABLED: lazy("The account is disabled, and its sessions have ended."),
    Said.ENABLED: lazy("The account works again."),
    Said.REVOKED: lazy("The invitation is taken back."),
    Said.PASSWORD: lazy("Your password is changed, and every other session has ended."),
    Said.ENDED: lazy("That session has ended."),
    Said.TOKEN_REVOKED: lazy("The token is worth nothing from now on."),
    Said.FORGOTTEN: lazy("The picture is forgotten. Nothing of it is kept."),
    Said.LISTED: lazy("The picture is on the list. It counts for whatever is looked at from now on."),
    Said.IDLE: lazy("You were signed out because nothing was done here for hours. Sign in again to go on."),
    Said.OLD: lazy("You were signed out because your last sign-in was two weeks ago. Sign in again to go on."),
    Said.UNSHARED: lazy(
        "Saved here, but the site could not be told. The history below says why; save the settings again when that is mended."
    ),
}

UNWELCOME = frozenset({Said.IDLE, Said.OLD, Said.UNSHARED, Said.UNPARKED, Said.NOTHING_CHOSEN, Said.NOTHING_TO_UNDO})
"""What was not as it was wanted."""

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
        lazy("a reviewer who also decides what is in restricted categories, such as known abuse material"),
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


def _read(at: int | str) -> datetime:
    return datetime.fromisoformat(at) if isinstance(at, str) else utc(at)


def moment(at: int | str | None) -> Markup:
    """Write a time, in UTC, as people and programs can read it."""
    if not at:
        return escape(_("never"))
    time = _read(at)
    return Markup('<time datetime="{}">{}</time>').format(
        time.strftime("%Y-%m-%dT%H:%M:%SZ"), time.strftime("%Y-%m-%d %H:%M\u202fUTC")
    )


_BROWSERS = {"Edg": "Edge", "OPR": "Opera", "SamsungBrowser": "Samsung Internet", "Firefox": "Firefox", "FxiOS": "Firefox"}
_BROWSERS |= {"CriOS": "Chrome", "Chrome": "Chrome", "HeadlessChrome": "Chrome", "Safari": "Safari"}
"""What browsers call themselves, and what people call them; those that also claim to be another come before it."""

_SYSTEMS = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "CrOS": "ChromeOS"}
_SYSTEMS |= {"Macintosh": "macOS", "Linux": "Linux"}


def browser(agent: str) -> str:
    """Name a browser and its system as people do; what nobody knows stays as it calls itself."""
    name = next((known for said, known in _BROWSERS.items() if f"{said}/" in agent), "")
    system = next((known for said, known in _SYSTEMS.items() if said in agent), "")
    return _("%(browser)s on %(system)s", browser=name, system=system) if name and system else name or agent


def ago(at: int | None, now: int) -> Markup:
    """Write how long something is ago, with the exact time behind it."""
    if not at:
        return escape(_("never"))
    time = _read(at)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        time.strftime("%Y-%m-%d %H:%M:%S UTC"),
        _("%(span)s ago", span=span((now - at) // SECOND)),
    )


_SPANS: tuple[tuple[int, Callable[[int], str]], ...] = (
    (DAY // SECOND, lambda count: ngettext("%(num)s day", "%(num)s days", count)),
    (HOUR // SECOND, lambda count: ngettext("%(num)s hour", "%(num)s hours", count)),
    (MINUTE // SECOND, lambda count: ngettext("%(num)s minute", "%(num)s minutes", count)),
)


def span(seconds: int) -> str:
    """Write a length of time in its largest unit."""
    for size, said in _SPANS:
        if seconds >= size:
            return said(seconds // size)
    return _("less than a minute")


def wait(length: int) -> str:
    """Write how many seconds somebody has to wait, in minutes where there are many."""
    if length < MINUTE // SECOND:
        return ngettext("%(num)s second", "%(num)s seconds", length)
    return _SPANS[-1][1](-(-length * SECOND // MINUTE))


def trouble(error: PicwardError) -> str:
    """Tell somebody what is wrong with a password they typed, or why it was not looked at."""
    if isinstance(error, TooManyRequests):
        return _("There were too many wrong passwords. Wait %(time)s, then try again.", time=wait(error.retry_after))
    if isinstance(error, TooBusy):
        return _(
            "Many people are signing in at this moment, so that your password was not looked at. Try again in %(time)s.",
            time=wait(error.retry_after),
        )
    return say(str(error))


def seconds(length: float) -> str:
    """Write a length of time that was measured, with two digits that mean something."""
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s")):
        if length * SECOND >= size:
            return f"{_two_digits(length * SECOND / size)}\u202f{unit}"
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


def setting_text(declared: dict[str, Any], value: Any) -> str:
    """Say a setting's value in words."""
    if declared["kind"] is Kind.CHOICE:
        return say(str(declared["choices"].get(str(value), value)))
    if declared["kind"] is Kind.SWITCH:
        return _("on") if value else _("off")
    if declared["kind"] is Kind.WORDS:
        return ", ".join(value) or "–"
    return str(value) or "–"


FILTERS: dict[str, Callable[..., Any]] = {
    "moment": moment,
    "ago": ago,
    "browser": browser,
    "span": span,
    "label": label,
    "picture_name": picture_name,
    "category_title": category_title,
    "restricted": lambda reasons: restricted(reason.category for reason in reasons),
    "reason_text": showing.reason_text,
    "action_text": action_text,
    "number": number,
    "seconds": seconds,
    "say": say,
    "setting_text": setting_text,
    "by_whom": lambda name: name if is_claim(name) else _("by %(name)s", name=name),
    "verdict": lambda verdict: str(VERDICTS.get(str(verdict), verdict)),
    "site_state": lambda state: str(STATES.get(str(state), state)),
    "role": lambda role: str(ROLES[role][0]),
}
