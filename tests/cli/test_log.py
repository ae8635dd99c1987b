"""What the real processes write at PICWARD_LOG_LEVEL=DEBUG: everything that happened, and nothing that opens something."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import subprocess
import time
from pathlib import Path

import pytest
import requests

from bench.processes import PICWARD
from integrations.kit import signing
from integrations.registry import platforms
from tests.support.instance import Instance, running, wait_for

pytestmark = pytest.mark.e2e

PASSWORD, WRONG = "correct horse battery staple", "wr0ng-Password-that-was-typed"
MARK = "S3cretMarkOfThisTest0123456789abcdef"
ADA = {"email": "ada@example.org", "name": "Ada", "password": PASSWORD}


class Console:
    """Be somebody at the console of a running Picward."""

    def __init__(self, url: str) -> None:
        self.url, self.session = url, requests.Session()

    def send(self, path: str, **form: str) -> str:
        page = self.session.get(f"{self.url}/account", timeout=30).text
        if token := re.search(r'name="form_token" value="(\w+)"', page):
            form["form_token"] = token[1]
        answer = self.session.post(self.url + path, data=form, timeout=30, allow_redirects=False)
        assert answer.status_code in (200, 303), (path, answer.status_code, answer.text[:500])
        return answer.text


def raw(port: int, request: bytes) -> None:
    """Send what no client would, and wait for whatever comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client, contextlib.suppress(OSError):
        client.sendall(request)
        client.recv(4096)


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, text[:1000]
    return match[1]


def paired(picward: Instance) -> dict[str, str]:
    """Add a site that is connected by a code; give its platform, its id and its secret."""
    slug = next(slug for slug, one in sorted(platforms().items()) if not one.connect_fields and not one.installs_itself)
    code = found(r"(picward1_[\w-]+)", picward.cli("sites", "add", slug, "--name", "Shop"))
    told = json.loads(base64.urlsafe_b64decode(code.removeprefix("picward1_") + "=="))
    return {"slug": slug, "code": code, **told}


def test_real_processes_log_everything_and_nothing_that_opens_something(tmp_path: Path) -> None:
    with running(tmp_path, log_level="DEBUG", web_processes="1") as picward:
        # What `serve` printed for whoever started it is void as soon as there is another link.
        told = subprocess.run([PICWARD, "link"], env=picward.env, capture_output=True, text=True, check=True)
        setup = found(r"/setup/([\w-]+)", told.stderr)
        owner = Console(picward.url)
        assert owner.session.post(f"{picward.url}/setup/{setup}", data=ADA, timeout=30).status_code == 200
        invitation = found(r"/join/([\w-]+)", owner.send("/people/invite", email="eva@example.org", role="reader", scope="all"))
        token = found(r"(picward_[\w-]+)", owner.send("/programs", name="nightly", scope="read", days="9"))
        reset = found(r"/reset/([\w-]+)", owner.send("/people/1/reset-link"))
        site = paired(picward)
        secrets = {
            "the set-up link": setup,
            "an invitation": invitation,
            "a reset link": reset,
            "a token": token,
            "a session": owner.session.cookies["picward"],
            "a password": PASSWORD,
            "a wrong password": WRONG,
            "a pairing code": site["code"],
            "a site's secret": site["secret"].removeprefix("whsec_"),
            "what came from strangers": MARK,
        }
        visit(picward, site, secrets)
        wait_for(lambda: "refused /webhooks/<slug>" in picward.log.read_text(), "the last line", log=picward.log)
        time.sleep(0.5)  # what else is written of the same requests
    log = picward.log.read_text()
    assert "DEBUG" in log, "the control: this is the log of all that happens"
    for line in ("Signed in", "Somebody", "refused /webhooks/<slug>", "Invalid request"):
        assert line in log, f"{line} is not logged, so that nothing was proven"
    assert {what for what, secret in secrets.items() if secret in log} == set()


def visit(picward: Instance, site: dict[str, str], secrets: dict[str, str]) -> None:
    """Come by every way that something secret comes: in addresses, forms, headers, and in requests that cannot be read."""
    get = requests.get
    for path in ("setup", "join", "reset", "enter"):
        for name in ("the set-up link", "an invitation", "a reset link"):
            get(f"{picward.url}/{path}/{secrets[name]}", timeout=30)
        get(f"{picward.url}/{path}/{MARK}?token={MARK}", timeout=30)
        raw(picward.port, f"GET /{path}/{MARK} HTP/9\r\nAuthorization: Bearer {MARK}\r\n\r\n".encode())
    for password in (WRONG, PASSWORD):
        requests.post(f"{picward.url}/sign-in", data={"email": "ada@example.org", "password": password}, timeout=30)
    for presented in (secrets["a token"], f"picward_{MARK}"):
        get(f"{picward.url}/api/v1/sites", headers={"Authorization": f"Bearer {presented}"}, timeout=30)
    body = json.dumps({"v": 1, "to": "connector", "site": site["site"], "type": "media.deleted", "media_id": "1"}).encode()
    signed = {"picward-site": site["site"], **signing.sign(site["secret"], "msg_1", int(time.time()), body)}
    forged = {**signed, "webhook-signature": f"v1,{MARK}", "Authorization": f"Bearer {MARK}", "Cookie": f"picward={MARK}"}
    for headers in (signed, forged):
        for room in ("webhooks", "door"):
            requests.post(f"{picward.url}/{room}/{site['slug']}", data=body, headers=headers, timeout=30)
    raw(picward.port, f"POST /enter HTTP/1.1\r\nHost: x\r\nX Y: {MARK}\r\n\r\n".encode())
    raw(picward.port, f"GET /x?secret={MARK} HTTP/1.1\r\nHost: x\r\nContent-Length: {MARK}\r\n\r\n".encode())
