"""A real Chromium on a console that is served in this process."""

from __future__ import annotations

import contextlib
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from app.services.core import Core
from app.services.people import links
from app.web.application import make_application
from tests.support.core import Bench
from tests.web.visitor import PASSWORD

api: Any = pytest.importorskip("playwright.sync_api", reason="Playwright's Python package is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

AUDIT = (Path(__file__).parents[1] / "web" / "page_audit.js").read_text(encoding="utf-8")


@contextlib.contextmanager
def serving(core: Core) -> Iterator[str]:
    """Serve the console on a free port of this machine."""
    server = make_server("127.0.0.1", 0, make_application(core, max_body_bytes=200_000), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Start the system's Chromium."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield started
        started.close()


class Visit:
    """Hold a page whose scripts and policies must not complain."""

    def __init__(self, browser: Any, address: str, **how: Any) -> None:
        self.context = browser.new_context(base_url=address, **how)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if "Security Policy" in said.text else None)

    def sign_in(self, bench: Bench) -> Visit:
        """Sign in as the owner, who is made when there is none."""
        link = links.setup_link(bench.core)
        if link is not None:
            links.create_owner(bench.core, link.rsplit("/", 1)[1], "ada@example.org", "Ada", PASSWORD)
        self.page.goto("/sign-in")
        self.page.get_by_label("E-mail").fill("ada@example.org")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(re.compile("/sites"))
        return self

    def audit(self) -> list[str]:
        found: list[str] = self.page.evaluate(AUDIT)
        return [f"{self.page.url}: {text}" for text in found]
