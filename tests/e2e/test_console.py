"""The pages around sites in a real Chromium: labelled, readable in both colour schemes, no wider than the screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.services.sites import connecting
from tests.support.browser import CHROMIUM as CHROMIUM
from tests.support.browser import Visit, serving
from tests.support.core import Bench
from tests.web.visitor import acting_site, decided

pytestmark = pytest.mark.e2e


@pytest.fixture
def address(bench: Bench) -> Iterator[str]:
    with serving(bench.core) as url:
        yield url


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")])
def test_every_page_can_be_read_labelled_and_fits(browser: Any, address: str, bench: Bench, width: int, scheme: str) -> None:
    site = acting_site(bench)
    decided(bench, site, "two-with-a-rather-long-file-name-" + "x" * 60 + ".jpg", 0.4)
    pairing = connecting.add(bench.core, "paper", "Second shop", "Ada")
    visit = Visit(browser, address, viewport={"width": width, "height": 800}, color_scheme=scheme)
    wrong = []
    for path in ("/sign-in", "/setup/none"):
        visit.page.goto(path)
        wrong += visit.audit()
    visit.sign_in(bench)
    for path in (
        "/sites",
        "/sites/add",
        "/sites/add?platform=paper",
        f"/sites/{pairing.id}/connect",
        f"/sites/{site.id}",
        f"/sites/{site.id}/settings",
        f"/sites/{site.id}/rules",
        f"/sites/{site.id}/disconnect",
        "/decisions/999",
    ):
        visit.page.goto(path)
        wrong += visit.audit()
    assert wrong == []
    assert visit.complaints == []
