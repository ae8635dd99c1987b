"""Verdicts, decisions, and the actions that make them true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.domain.media import MediaRef, Region
from app.domain.taxonomy import CATEGORIES, Severity


class Verdict(StrEnum):
    ALLOW = "allow"
    REVIEW = "review"
    BLOCK = "block"


class Action(StrEnum):
    """What can be made true at a platform. HIDE implies RESTORE; DELETE only when a site opts in."""

    LABEL = "label"
    HIDE = "hide"
    RESTORE = "restore"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: the rule's category and mode, the signal's detector, category and score, the threshold it crossed.

    `verdict` is what this reason asked for; in shadow mode it was recorded and not followed.
    """

    verdict: Verdict
    category: str
    text: str
    rule: str = ""
    mode: str = ""
    detector: str = ""
    score: float | None = None
    threshold: float | None = None
    region: Region | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy makes of the signals, before it is stored as a decision."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    enforce: bool = False
    """True when a BLOCK may be acted on: a rule in enforce mode, or a person."""


def severity(reasons: Iterable[Reason]) -> Severity:
    """Give the most severe category among the reasons, to order the review queue."""
    return max(
        (CATEGORIES[reason.category].severity for reason in reasons if reason.category in CATEGORIES),
        default=Severity.INFORMATION,
    )


@dataclass(frozen=True, slots=True)
class Ruling:
    """Hold all that one decision says, as it travels from judging to every table.

    `person` is empty when a policy decides; `policy_version` is None when a person does. `supersedes` is the decision that it
    replaces, `batch` the many that it is made with, `restored_version` the policy whose word an undo puts in force. `action`
    is what makes it true, chosen by the outcome unless it is named; with `silent` it is true already and nothing is to be done.
    """

    job_id: int
    media: MediaRef
    sha256: str
    outcome: Outcome
    decided_at: int
    person: str = ""
    policy_version: int | None = None
    supersedes: int | None = None
    batch: str = ""
    restored_version: int | None = None
    action: Action | None = None
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """A stored decision. `person` is empty when the policy decided; `policy_version` is None when a person did.

    `batch` names the many decisions that it was made with. Only a few may see a `restricted` one; a verdict about one
    that needs `two_people` binds when a second agrees. `restored_version` is the policy whose word an undo put in force.
    """

    id: int
    site_id: str
    job_id: int
    media: MediaRef
    sha256: str
    verdict: Verdict
    reasons: tuple[Reason, ...]
    enforce: bool
    person: str
    policy_version: int | None
    supersedes: int | None
    decided_at: int
    batch: str = ""
    restricted: bool = False
    two_people: bool = False
    restored_version: int | None = None


@dataclass(frozen=True, slots=True)
class Enforcement:
    """One action for a platform to make true. `id` is the idempotency key.

    `undo` is what the HIDE of this image returned, for its RESTORE. `held` is the undo of the HIDE that keeps the same parent
    hidden now, another image's or an earlier one of this: its state before is the one to keep. `others_blocked` counts the
    other images that still block the parent; a RESTORE gives the parent back only at 0. What is `restricted` the platform
    shows to nobody, and about what needs `two_people` nobody there decides; the reasons of what is restricted are for those
    who may see it. `again` says that it was made true before, and is looked at once more.
    """

    id: int
    action: Action
    media: MediaRef
    sha256: str
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    person: str = ""
    decided_at: int = 0
    undo: Mapping[str, Any] | None = None
    held: Mapping[str, Any] | None = None
    others_blocked: int = 0
    restricted: bool = False
    two_people: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """The end of an enforcement: `undo` is opaque to us; `drifted` says in words what someone changed since."""

    undo: Mapping[str, Any] = field(default_factory=dict)
    drifted: str = ""
