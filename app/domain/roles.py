"""Who may do what: four roles, what each may do, and the links that lead to them. A person may also be limited to some sites."""

from __future__ import annotations

from enum import StrEnum


class Right(StrEnum):
    """What a page or an action needs."""

    SEE = "see"
    """Look at sites, decisions, history and figures; pictures stay blurred."""
    REVIEW = "review"
    """Reveal pictures and give verdicts."""
    REVIEW_RESTRICTED = "review_restricted"
    """See and decide what waits in restricted categories."""
    EXPORT = "export"
    """Take decisions and history away as files."""
    CONFIGURE = "configure"
    """Change settings and policies, look at what is already there, deal with parked actions."""
    CONNECT = "connect"
    """Add, pause, disconnect and erase sites, and make tokens for programs."""
    PEOPLE = "people"
    """Invite people, change what they may do, and lock them out."""


class Role(StrEnum):
    OWNER = "owner"
    REVIEWER = "reviewer"
    RESTRICTED = "restricted"
    READER = "reader"


RIGHTS: dict[Role, frozenset[Right]] = {
    # The owner has every right: where there is no one else, what is restricted must wait for somebody.
    Role.OWNER: frozenset(Right),
    Role.REVIEWER: frozenset({Right.SEE, Right.REVIEW, Right.EXPORT}),
    Role.RESTRICTED: frozenset({Right.SEE, Right.REVIEW, Right.REVIEW_RESTRICTED, Right.EXPORT}),
    Role.READER: frozenset({Right.SEE}),
}

LIMITED = frozenset(Role) - {Role.OWNER}
"""The roles that may be limited to some sites: an owner sees all, else a site could be left without one."""


class LinkPurpose(StrEnum):
    """Name what a one-time link does."""

    SETUP = "owner"
    INVITATION = "invitation"
    RESET = "reset"
    GUEST = "guest"
