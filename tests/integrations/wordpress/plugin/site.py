"""A real WordPress for the tests: what its people and its connector do with it."""

# ruff: noqa: E501 - lines of PHP inside are kept whole
from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import random
import re
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import requests
from PIL import Image

from tests.integrations.wordpress.plugin.stand_in import Connector, call
from tests.support.fetched import fetched

ROOT = Path(__file__).parents[4]
SCRIPTS = Path(__file__).parents[1] / "server"
PLUGIN = ROOT / "plugins/wordpress/picward"


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def picture(width: int = 800, height: int = 600, kind: str = "JPEG", seed: int | None = None, **options: Any) -> bytes:
    """Make a picture whose bytes nobody has seen."""
    rng = random.Random(seed)
    mode = "RGBA" if kind in ("PNG", "WEBP") else "RGB"
    colours = [tuple(rng.randrange(256) for _ in mode) for _ in range(64)]
    small = Image.new(mode, (8, 8))
    small.putdata(colours)
    out = io.BytesIO()
    small.resize((width, height), Image.Resampling.BICUBIC).save(out, kind, **options)
    return out.getvalue()


class WordPress:
    """One installation, started by the support scripts."""

    def __init__(self, root: Path, src: str, db: str) -> None:
        self.root, self.src, self.db = root, src, db
        self.port = free_port()
        self.info: dict[str, Any] = {}

    def start(self) -> None:
        """Boot it, with the plugin switched on."""
        fetched(SCRIPTS / "fetch_wordpress.sh", self.src)
        if self.db == "sqlite":
            fetched(SCRIPTS / "fetch_sqlite.sh")
        command = [
            SCRIPTS / "start_wordpress.sh",
            "--src",
            self.src,
            "--db",
            self.db,
            "--port",
            str(self.port),
            "--root",
            self.root,
            "--plugin",
            PLUGIN,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        self.info = json.loads((self.root / "site.json").read_text())

    def stop(self) -> None:
        """Stop what was started."""
        subprocess.run([SCRIPTS / "stop_wordpress.sh", self.root], check=False)

    @property
    def url(self) -> str:
        return str(self.info["url"])

    @property
    def rest(self) -> str:
        return self.url + "/wp-json/"

    @property
    def uploads(self) -> Path:
        return self.root / "www/wp-content/uploads"

    def php(self, code: str, *, kill_after: float = 0, check: bool = True) -> str:
        """Run PHP inside WordPress and give what it printed."""
        script = f"<?php define( 'DISABLE_WP_CRON', true ); $_SERVER['HTTP_HOST'] = '127.0.0.1:{self.port}'; $_SERVER['REQUEST_URI'] = '/'; require '{self.root}/www/wp-load.php'; {code}"
        process = subprocess.Popen(
            ["php", "-d", "memory_limit=256M"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if kill_after:
            threading.Timer(kill_after, process.kill).start()
        out, _ = process.communicate(script.encode(), timeout=120)
        assert not check or process.returncode == 0, out.decode()
        return out.decode()

    def meta(self, media: int, key: str) -> Any:
        """Read a post meta."""
        return json.loads(self.php(f"echo json_encode( get_post_meta( {media}, '{key}', true ) );"))

    def auth(self, who: str) -> tuple[str, str]:
        """Give an application password for Basic authentication."""
        return self.info[who]["login"], self.info[who]["app_password"]

    def upload(self, data: bytes, name: str, mime: str = "image/jpeg", who: str = "author1", **fields: Any) -> dict[str, Any]:
        """Upload raw bytes over the REST API."""
        answer = requests.post(
            self.rest + "wp/v2/media",
            params=fields,
            data=data,
            headers={"Content-Type": mime, "Content-Disposition": f'attachment; filename="{name}"'},
            auth=self.auth(who),
            timeout=90,
        )
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def files(self, media: int) -> dict[str, bytes]:
        """Read every file of an attachment: path below uploads, bytes."""
        listed = json.loads(
            self.php(f"echo json_encode( array_map( 'picward_relative', picward_attachment_files( {media} ) ) );")
        )
        return {name: (self.uploads / name).read_bytes() for name in listed}

    def served(self, names: list[str]) -> dict[str, bytes]:
        """Fetch files as a visitor does."""
        out = {}
        for name in names:
            answer = requests.get(f"{self.url}/wp-content/uploads/{name}", timeout=30)
            out[name] = answer.content if answer.status_code == 200 else b""
        return out

    def quarantined(self) -> list[Path]:
        """List the files in the quarantine."""
        return sorted((self.uploads / "picward-quarantine").glob("??/*.bin"))

    def login(self, who: str = "admin") -> requests.Session:
        """Sign in through wp-login.php."""
        session = requests.Session()
        session.get(self.url + "/wp-login.php", timeout=30)
        answer = session.post(
            self.url + "/wp-login.php",
            data={"log": self.info[who]["login"], "pwd": self.info[who]["password"], "wp-submit": "Log In", "testcookie": "1"},
            timeout=60,
            allow_redirects=False,
        )
        assert answer.status_code == 302, answer.text
        return session


class Door:
    """The connector's side of one site."""

    def __init__(self, site: WordPress, connector: Connector) -> None:
        self.site, self.connector = site, connector
        self._numbers = itertools.count(time.time_ns() // 1_000_000)

    def __call__(self, route: str, **body: Any) -> requests.Response:
        return call(self.site.rest, self.connector, route, **body)

    def decide(self, media: dict[str, Any], action: str, verdict: str, **more: Any) -> requests.Response:
        """Send a decision about a media as the plugin described it."""
        body = {
            "enforcement": next(self._numbers),
            "action": action,
            "id": media["id"],
            "sha256": media["sha256"],
            "verdict": verdict,
            "reasons": ["nudity 0.97"],
            "person": "",
            "decided_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "restricted": False,
            "two_people": False,
        }
        return self("decision", **(body | more))

    def settings(self, **values: Any) -> None:
        """Tell the plugin other settings."""
        self.connector.values |= values
        assert self("settings", values=self.connector.values).status_code == 200


def sha256(data: bytes) -> str:
    """Hash bytes."""
    return hashlib.sha256(data).hexdigest()


def form(html: str, marker: str) -> dict[str, str]:
    """Read the fields of the form that contains a marker, as a browser would send them untouched."""
    found = next(f for f in re.findall(r"<form.*?</form>", html, re.S) if marker in f)
    fields: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", found):
        name, kind = re.search(r'name="([^"]*)"', tag), re.search(r"type=[\"']([^\"']*)", tag)
        value = re.search(r'value="([^"]*)"', tag)
        if (
            not name
            or (kind and kind[1] in ("submit", "button"))
            or (kind and kind[1] in ("checkbox", "radio") and "checked" not in tag)
        ):
            continue
        fields[name[1]] = value[1] if value else ""
    for name_, inner in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', found, re.S):
        fields[name_] = inner
    for name_, inner in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', found, re.S):
        chosen = re.search(r'<option[^>]*value="([^"]*)"[^>]*selected', inner) or re.search(r'<option[^>]*value="([^"]*)"', inner)
        fields[name_] = chosen[1] if chosen else ""
    action = re.search(r'<form[^>]*action="([^"]*)"', found)
    fields["__action"] = action[1].replace("&#038;", "&").replace("&amp;", "&") if action else ""
    return fields


SOURCE = os.environ.get("PICWARD_TEST_WORDPRESS", "deb")
DATABASE = os.environ.get("PICWARD_TEST_WORDPRESS_DB", "mysql")
