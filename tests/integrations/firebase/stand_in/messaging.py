"""A stand-in of Firebase Cloud Messaging: https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send.

firebase_admin has no variable for another address, so this one puts its own in the place of the class's; it works in the
process of the test only.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from firebase_admin.messaging import _MessagingService

from tests.integrations.firebase.stand_in.server import Answer, Request, StandIn, route


class Messaging(StandIn):
    changing: ClassVar[frozenset[str]] = frozenset({"messages.send"})

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []
        self.unregistered: set[str] = set()
        """Devices (by fid, or by the older token) that are worth nothing any more."""

    def start(self, port: int = 0) -> Self:
        super().start(port)
        self._own = _MessagingService.FCM_URL
        _MessagingService.FCM_URL = self.address + "/v1/projects/{0}/messages:send"
        return self

    def stop(self) -> None:
        _MessagingService.FCM_URL = self._own
        super().stop()


def _send(stand_in: Messaging, request: Request, project: str) -> Answer:
    message = request.json()["message"]
    if message.get("fid", message.get("token")) in stand_in.unregistered:
        detail = {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "UNREGISTERED"}
        error = {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND", "details": [detail]}
        return Answer.of({"error": error}, 404)
    stand_in.messages.append(message)
    return Answer.of({"name": f"projects/{project}/messages/{len(stand_in.messages)}"})


Messaging.routes = (route("POST", "/v1/projects/{}/messages:send", "messages.send", _send),)
