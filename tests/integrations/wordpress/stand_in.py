"""A small stand-in of the Picward plugin on a real socket: the protocol of integrations/wordpress/README.md, and no more.

The real plugin is tested in plugin/ and end to end; this one is for the contract suite, where a site must be slow, broken or
gone on demand.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from app.domain.errors import DeliveryRefused
from app.domain.events import Delivery
from integrations.kit import signing
from tests.contract.sample import Scripted
from tests.support.serving import StandInServer

PLACEHOLDER = b"\xff\xd8\xff\xe0 a placeholder of the same size"


@dataclass
class Attachment:
    id: int
    data: bytes
    roles: tuple[str, ...] = ("author",)
    hidden: bool = False
    by_person: bool = False
    lost: tuple[str, ...] = ()
    parent: tuple[int, str] | None = (7, "post")
    order: tuple[int, str] = (0, "")

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def public(self) -> bytes:
        return PLACEHOLDER if self.hidden else self.data

    def described(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "sha256": self.sha256,
            "file": f"2026/11/{self.id}.jpg",
            "url": f"http://blog.example/wp-content/uploads/2026/11/{self.id}.jpg",
            "mime": "image/jpeg",
            "bytes": len(self.data),
            "width": 640,
            "height": 480,
            "title": f"Picture {self.id}",
            "parent": {"id": str(self.parent[0]), "type": self.parent[1], "status": "publish"} if self.parent else None,
            "author": {"id": "2", "roles": list(self.roles)},
            "created": "2026-11-22T10:00:00Z",
        }


@dataclass
class Refusal(Exception):
    status: int
    code: str
    message: str = ""
    now: dict[str, Any] | None = None


@dataclass
class PluginStandIn:
    site_id: str
    secret: str
    attachments: dict[int, Attachment]
    scripted: Scripted | None = None
    changes: int = 0
    drained: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    orders: list[dict[str, Any]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    quarantine: dict[str, Any] = field(default_factory=lambda: {"cipher": "sodium", "writable": True})
    problems: dict[str, str] = field(default_factory=dict)
    page_size: int = 200
    signs: bool = False

    def __enter__(self) -> PluginStandIn:
        self.server = StandInServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, type: str, request: Delivery) -> tuple[dict[str, Any] | bytes]:
        """Do what the plugin does with one signed request. Raise `Refusal` for everything else."""
        try:
            id = signing.verify(request, [self.secret])
        except DeliveryRefused:
            raise Refusal(401, "picward_unauthorized") from None
        body = json.loads(request.body)
        if (body.get("v"), body.get("to"), body.get("type"), body.get("site")) != (1, "site", type, self.site_id):
            raise Refusal(401, "picward_unauthorized")
        if type in ("decision", "settings") and id in self.seen:
            raise Refusal(401, "picward_unauthorized")
        self.seen.add(id)
        self.orders.append(body)
        routes: dict[str, Callable[[dict[str, Any]], dict[str, Any] | bytes]] = {
            "status": self._status, "bytes": self._bytes, "decision": self._decision, "list": self._list,
            "drain": self._drain, "settings": self._settings,
        }  # fmt: skip
        if type not in routes:
            raise Refusal(404, "rest_no_route")
        return (routes[type](body),)

    def _status(self, body: dict[str, Any]) -> dict[str, Any]:
        return {
            "plugin": "0.1.0", "wp": "6.1.9", "php": "8.2.36", "name": "Blog", "mode": "hide", "quarantine": self.quarantine,
            "outbox": {"waiting": 0, "oldest_seconds": 0}, "media_total": len(self.attachments),
            "problems": list(self.problems.values()), "problem_codes": list(self.problems),
        }  # fmt: skip

    def _version(self, body: dict[str, Any]) -> Attachment:
        attachment = self.attachments.get(int(body["id"]))
        if attachment is None:
            raise Refusal(404, "picward_gone", "This picture is not on the site any more.")
        if attachment.sha256 != body["sha256"]:
            raise Refusal(409, "picward_changed", "The picture has other bytes now.", attachment.described())
        return attachment

    def _bytes(self, body: dict[str, Any]) -> bytes:
        return self._version(body).data

    def _decision(self, body: dict[str, Any]) -> dict[str, Any]:
        attachment = self._version(body)
        order = (body["enforcement"], body["decided_at"])
        if order[0] < attachment.order[0] and order[1] <= attachment.order[1]:
            return {"state": "drifted", "undo": {}, "why": ["overtaken"], "detail": "S3CRET"}
        attachment.order = order
        if attachment.by_person and not body["person"]:
            return {"state": "drifted", "undo": {}, "why": ["outweighed"], "detail": "S3CRET of an editor"}
        if attachment.lost:
            return {"state": "drifted", "undo": {}, "why": ["lost"], "lost": list(attachment.lost), "detail": "S3CRET"}
        action = body["action"]
        if action == "delete":
            del self.attachments[attachment.id]
            self.changes += 1
        elif action in ("hide", "restore") and attachment.hidden is not (action == "hide"):
            attachment.hidden = action == "hide"
            self.changes += 1
        undo = {"journal": f"j{attachment.id}"} if action == "hide" else []
        return {"state": "done", "undo": undo, "detail": ""}

    def _list(self, body: dict[str, Any]) -> dict[str, Any]:
        ids = sorted(id for id in self.attachments if id > body["after"])
        page = ids[: min(body["limit"], self.page_size)]
        return {
            "items": [self.attachments[id].described() for id in page],
            "next": page[-1] if len(page) < len(ids) else 0,
            "total": len(self.attachments),
        }

    def _drain(self, body: dict[str, Any]) -> dict[str, Any]:
        self.drained += 1
        return {"sent": 0, "waiting": 0}

    def _settings(self, body: dict[str, Any]) -> dict[str, Any]:
        self.settings = body["values"]
        return {"state": "done"}


def _handler(plugin: PluginStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            parts = urlsplit(self.path)
            # Plain permalinks: ?rest_route=/picward/v1/status
            route = parse_qs(parts.query).get("rest_route", [parts.path.removeprefix("/wp-json")])[0]
            if plugin.scripted is not None:
                return self._send(plugin.scripted.status, dict(plugin.scripted.headers), plugin.scripted.body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Delivery("POST", self.path, headers, body, time.time_ns() // 1_000)
            status = 200
            try:
                (answer,) = plugin.answer(route.removeprefix("/picward/v1/"), request)
            except Refusal as refusal:
                status = refusal.status
                answer = {"code": refusal.code, "message": refusal.message, "data": {"status": status, "now": refusal.now}}
            if isinstance(answer, bytes):
                return self._send(200, {"Content-Type": "application/octet-stream"}, answer)
            raw = json.dumps(answer).encode()
            proof = signing.sign(plugin.secret, headers["webhook-id"], int(time.time()), raw) if plugin.signs else {}
            return self._send(status, {"Content-Type": "application/json", **proof}, raw)

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            if status == 0:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
