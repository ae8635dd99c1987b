"""A connector for the plugin to talk to: a real socket, the protocol of integrations/wordpress/README.md, nothing behind it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import secrets
import socketserver
import threading
import time
import uuid
from typing import Any

import requests

DECLARATION = [
    {
        "name": "mode",
        "kind": "choice",
        "title": "What happens to blocked pictures",
        "description": "Flag only, hide, or hold.",
        "choices": {"flag": "Flag only", "hide": "Hide flagged", "hold": "Hold until checked"},
        "default": "hide",
        "minimum": None,
        "maximum": None,
        "changed_by": "owner",
    },
    {
        "name": "preview_days",
        "kind": "number",
        "title": "Keep previews for (days)",
        "description": "",
        "choices": {},
        "default": 30,
        "minimum": 1,
        "maximum": 365,
        "changed_by": "platform",
    },
    {
        "name": "unpublish_parent",
        "kind": "switch",
        "title": "Take the post offline",
        "description": "",
        "choices": {},
        "default": False,
        "minimum": None,
        "maximum": None,
        "changed_by": "platform",
    },
    {
        "name": "trusted_roles",
        "kind": "words",
        "title": "Never held",
        "description": "Roles, one a line.",
        "choices": {},
        "default": ["administrator"],
        "minimum": None,
        "maximum": None,
        "changed_by": "platform",
    },
    {
        "name": "note",
        "kind": "text",
        "title": "Note",
        "description": "",
        "choices": {},
        "default": "",
        "minimum": None,
        "maximum": None,
    },
    {
        "name": "tell_emails",
        "kind": "words",
        "title": "Send e-mail to",
        "description": "",
        "choices": {},
        "default": [],
        "minimum": None,
        "maximum": None,
        "changed_by": "owner",
    },
]


def sign(secret: str, identifier: str, timestamp: str, body: bytes) -> str:
    """Sign as Standard Webhooks says."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, identifier.encode() + b"." + timestamp.encode() + b"." + body, hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Serve each request in a thread that nobody waits for."""

    daemon_threads = True
    allow_reuse_address = True


class Connector:
    """Remember what the plugin said, answer as told."""

    def __init__(self) -> None:
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        self.site = "site-" + secrets.token_hex(4)
        self.port = 0
        self.server: Server | None = None
        self.reset()

    def reset(self) -> None:
        """Forget everything heard and answer normally."""
        self.heard: list[dict[str, Any]] = []
        self.bad: list[str] = []
        self.called: dict[str, Any] | None = None
        self.values: dict[str, Any] = {
            "mode": "hide",
            "preview_days": 30,
            "unpublish_parent": False,
            "trusted_roles": ["administrator"],
            "note": "",
        }
        self.status = 0
        self.detail: str | None = None
        self.only_watches = False
        self.delay = 0.0
        self.link = ""
        self.rights: dict[str, bool] = {}

    def start(self) -> None:
        """Listen, on the same port as before."""
        connector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = connector.answer(self.path, self.headers, body)
                raw = json.dumps(answer).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json" if status < 300 else "application/problem+json")
                    self.send_header("Content-Length", str(len(raw)))
                    self.end_headers()
                    self.wfile.write(raw)
                except OSError:
                    pass  # the plugin did not want to wait

            def log_message(self, *_: Any) -> None:
                pass

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections."""
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def code(self) -> str:
        """Give the pairing code."""
        raw = json.dumps({"url": self.url, "site": self.site, "secret": self.secret}).encode()
        return "picward1_" + base64.urlsafe_b64encode(raw).decode().rstrip("=")

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """Give the deliveries heard, of one type or all."""
        return [e for e in self.heard if e["path"] == "/webhooks/wordpress" and kind in ("", e["body"]["type"])]

    def wait_for(self, kind: str, count: int = 1, seconds: float = 15) -> list[dict[str, Any]]:
        """Wait until so many deliveries of a type came."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(self.events(kind)) < count:
            time.sleep(0.05)
        return self.events(kind)

    def answer(self, path: str, headers: Any, raw: bytes) -> tuple[int, dict[str, Any]]:
        """Check the signature as the real one does, and answer."""
        if self.delay:
            time.sleep(self.delay)
        expected = sign(self.secret, headers.get("webhook-id", ""), headers.get("webhook-timestamp", ""), raw)
        fresh = abs(time.time() - int(headers.get("webhook-timestamp", "0"))) < 60
        body = json.loads(raw)
        if expected not in headers.get("webhook-signature", "").split(" ") or not fresh:
            self.bad.append(path)
            return 401, {"title": "Unauthorized", "status": 401}
        if (body["v"], body["to"], body["site"], headers.get("picward-site")) != (1, "connector", self.site, self.site):
            self.bad.append(path)
            return 401, {"title": "Unauthorized", "status": 401}
        self.heard.append({"path": path, "id": headers["webhook-id"], "timestamp": headers["webhook-timestamp"], "body": body})
        if self.status:
            return self.status, {
                "title": "No",
                "status": self.status,
                "detail": f"told to answer {self.status}" if self.detail is None else self.detail,
            }
        match body["type"]:
            case "connect":
                self.called = call(body["rest_url"], self, "status").json()
                return 200, {
                    "connected": True,
                    "name": "Stand-in",
                    "found": f"WordPress {self.called['wp']}, {self.called['media_total']} pictures",
                    "values": self.values,
                    "declaration": DECLARATION,
                    "console_url": self.url + "/console",
                }
            case "settings.read":
                return 200, self.settings()
            case "settings.save":
                if body["values"].get("preview_days", 30) > 365:
                    return 422, {
                        "title": "Invalid",
                        "status": 422,
                        "detail": "Some settings are not valid",
                        "fields": {"preview_days": "at most 365"},
                    }
                self.values |= body["values"]
                return 200, self.settings()
            case "summary.read":
                return 200, {
                    "state": "ok",
                    "checked": 12,
                    "blocked": 3,
                    "waiting": 1,
                    "oldest_waiting_seconds": 120,
                    "parked": [{"text": "one parked thing"}],
                    "console_url": self.url + "/console",
                }
            case "link.make":
                return 200, {"url": self.link or f"{self.url}/enter/once", "seconds": 60}
            case "history.read":
                entries = [{"at": "2026-11-22T10:00:00Z", "who": "policy v7", "text": "judged by the stand-in"}]
                return 200, {"entries": entries, **self.rights}
        return 202, {"status": "accepted"}

    def settings(self) -> dict[str, Any]:
        """Give the answer of settings.read."""
        return {
            "values": self.values,
            "declaration": DECLARATION,
            "policy": {"version": 7, "summary": "Blocks nothing but known pictures.", "only_watches": self.only_watches},
        }


def call(
    rest_url: str,
    connector: Connector,
    route: str,
    *,
    secret: str | None = None,
    identifier: str | None = None,
    shift: int = 0,
    envelope: dict[str, Any] | None = None,
    tamper: bool = False,
    **body: Any,
) -> requests.Response:
    """Call a route of the plugin, signed; the named arguments make it wrong in one way or another."""
    raw = json.dumps({"v": 1, "to": "site", "type": route, "site": connector.site, **body, **(envelope or {})}).encode()
    identifier = identifier or "call_" + uuid.uuid4().hex
    timestamp = str(int(time.time()) + shift)
    signature = sign(secret or connector.secret, identifier, timestamp, raw)
    if tamper:
        raw = raw.replace(b'"v": 1', b'"v":  1')
    answer = requests.post(
        rest_url + "picward/v1/" + route,
        data=raw,
        headers={
            "Content-Type": "application/json",
            "webhook-id": identifier,
            "webhook-timestamp": timestamp,
            # A second signature, as while a secret is rotated.
            "webhook-signature": "v1,AAAA " + signature,
        },
        timeout=60,
    )
    if signed := answer.headers.get("webhook-signature"):
        assert signed == sign(connector.secret, identifier, answer.headers["webhook-timestamp"], answer.content)
    return answer
