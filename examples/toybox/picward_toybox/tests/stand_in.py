"""A box on a real socket that does what README.md says, and no more."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.contract.sample import Scripted
from tests.support.serving import StandInServer

PLACEHOLDER = b"\x89PNG\r\n\x1a\n a placeholder"


@dataclass
class Picture:
    data: bytes
    state: str = "public"
    before: str = ""
    """Who saw it before it was hidden; kept by Toybox until it is shown again."""

    label: str = ""
    """The verdict that its owner sees beside it."""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def shown(self) -> bytes:
        return PLACEHOLDER if self.state == "hidden" else self.data


class Refusal(Exception):
    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status, self.error = status, error


class Box:
    """Be one box with its pictures, opened by `key`."""

    def __init__(self, key: str, pictures: dict[str, Picture]) -> None:
        self.key, self.pictures = key, pictures
        self.scripted: Scripted | None = None
        self.changes = 0
        self.events: dict[str, str] = {}
        self.messages: dict[tuple[str, int], str] = {}
        self.suspended: dict[str, str] = {}

    def __enter__(self) -> Box:
        self.server = StandInServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/anna"

    def answer(self, method: str, target: str, key: str, body: bytes) -> dict[str, Any] | bytes:
        """Do what is asked. Raise `Refusal` when it cannot be done."""
        if key != f"Bearer {self.key}":
            raise Refusal(401, "key")
        parts = urlsplit(target)
        match method, parts.path.removeprefix("/anna/api/").split("/"):
            case "GET", ["box"]:
                return {"name": "Anna", "pictures": len(self.pictures)}
            case "GET", ["pictures"]:
                asked = parse_qs(parts.query)
                return self._page(asked.get("after", [""])[0], int(asked["limit"][0]))
            case "GET", ["pictures", id, "bytes"]:
                return self._picture(id).data
            case "POST", ["pictures", id]:
                return self._change(self._picture(id), json.loads(body))
            case "GET", ["events"]:
                return {"events": [{"receipt": receipt, "event": event} for receipt, event in list(self.events.items())[:50]]}
            case "POST", ["events", "taken"]:
                return {"done": self.events.pop(json.loads(body)["receipt"], None) is not None}
            case "POST", ["people", name, "messages"]:
                said = json.loads(body)
                self.messages[name, said["id"]] = said["text"]
                return {"done": True}
            case "POST", ["people", name, "suspension"]:
                self.suspended[name] = json.loads(body)["until"]
                return {"done": True}
        raise Refusal(404, "route")

    def say(self, id: str) -> None:
        """Keep an event about a picture until somebody takes it."""
        number = len(self.events) + 1
        about = {"id": id, "sha256": self.pictures[id].sha256, "title": f"Picture {id}"}
        self.events[f"r_{number}"] = json.dumps({"id": f"evt_{number}", "type": "picture.added", "picture": about})

    def _picture(self, id: str) -> Picture:
        if id not in self.pictures:
            raise Refusal(404, "gone")
        return self.pictures[id]

    def _page(self, after: str, limit: int) -> dict[str, Any]:
        ids = sorted(id for id in self.pictures if id > after)
        page = ids[: min(limit, 2)]  # small pages, so that a listing has several
        items = [{"id": id, "sha256": self.pictures[id].sha256, "title": f"Picture {id}"} for id in page]
        return {"items": items, "next": page[-1] if len(page) < len(ids) else "", "total": len(self.pictures)}

    def _change(self, picture: Picture, asked: dict[str, Any]) -> dict[str, Any]:
        if picture.sha256 != asked["sha256"]:
            raise Refusal(409, "changed")
        if asked["action"] == "hide" and picture.state != "hidden":
            picture.before, picture.state = picture.state, "hidden"
            self.changes += 1
        elif asked["action"] == "restore" and picture.state == "hidden":
            picture.state = asked["state"]
            self.changes += 1
        elif asked["action"] == "restore" and picture.state != asked["state"]:
            return {"done": False}
        elif asked["action"] == "label":
            picture.label = asked["verdict"]
        return {"done": True, "before": picture.before}


def _handler(box: Box) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if box.scripted is not None:
                return self._send(box.scripted.status, dict(box.scripted.headers), box.scripted.body)
            try:
                answer = box.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
            except Refusal as refusal:
                return self._send(refusal.status, {}, json.dumps({"error": refusal.error}).encode())
            self._send(200, {}, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

        do_POST = do_GET

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            if status == 0:  # scripted: away
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
