"""A stand-in of the accounts of Firebase Authentication: what firebase_admin.auth asks to look up and to change a user.

After https://cloud.google.com/identity-platform/docs/reference/rest/v1/projects.accounts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.integrations.firebase.stand_in.server import Answer, Refusal, Request, StandIn, route


@dataclass
class User:
    uid: str
    email: str | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    disabled: bool = False
    valid_since: int = 0
    """Unix seconds; refresh tokens from before are worth nothing."""

    def described(self) -> dict[str, Any]:
        return {
            "localId": self.uid,
            "disabled": self.disabled,
            "validSince": str(self.valid_since),
            "createdAt": "1795348800000",
            "providerUserInfo": [],
            **({"email": self.email, "emailVerified": True} if self.email else {}),
            **({"customAttributes": json.dumps(self.claims)} if self.claims else {}),
        }


class Identity(StandIn):
    changing: ClassVar[frozenset[str]] = frozenset({"accounts.update"})

    def __init__(self) -> None:
        super().__init__()
        self.users: dict[str, User] = {}

    def environment(self) -> dict[str, str]:
        return {"FIREBASE_AUTH_EMULATOR_HOST": self.host}

    def add(self, uid: str, *, email: str | None = None, claims: dict[str, Any] | None = None) -> User:
        self.users[uid] = User(uid, email, dict(claims or {}))
        return self.users[uid]


def _lookup(stand_in: Identity, request: Request, project: str) -> Answer:
    said = request.json()
    found = [
        user for user in stand_in.users.values() if user.uid in said.get("localId", ()) or user.email in said.get("email", ())
    ]
    users = {"users": [user.described() for user in found]} if found else {}
    return Answer.of({"kind": "identitytoolkit#GetAccountInfoResponse"} | users)


def _update(stand_in: Identity, request: Request, project: str) -> Answer:
    said = request.json()
    user = stand_in.users.get(said.get("localId", ""))
    if user is None:
        raise Refusal(400, "invalid", "USER_NOT_FOUND")
    if "disableUser" in said:
        user.disabled = said["disableUser"]
    if "customAttributes" in said:
        if len(said["customAttributes"]) > 1000:
            raise Refusal(400, "invalid", "CLAIMS_TOO_LARGE")
        user.claims = json.loads(said["customAttributes"])
    if "validSince" in said:
        user.valid_since = int(said["validSince"])
    return Answer.of({"kind": "identitytoolkit#SetAccountInfoResponse", "localId": user.uid})


_ACCOUNTS = "/identitytoolkit.googleapis.com/v1/projects/{}/accounts:"
Identity.routes = (
    route("POST", _ACCOUNTS + "lookup", "accounts.lookup", _lookup),
    route("POST", _ACCOUNTS + "update", "accounts.update", _update),
)
