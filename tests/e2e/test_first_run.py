"""The first half hour in a real Chromium: the one-time link, the first site, a colleague; long work, seen without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from app.domain.errors import PlatformRefused
from app.domain.platform import ConnectField, Platform, Site, Step
from app.services.core import Core
from app.services.people import accounts, links
from app.services.pipeline import scan
from app.services.sites import connecting, sites
from tests.support.browser import Visit, api, serving
from tests.support.core import Bench, PaperPlatform
from tests.web.visitor import PASSWORD, acting_site, decided

pytestmark = pytest.mark.e2e


class Bucket(PaperPlatform):
    """Ask for a name and a long secret, and leave something to do."""

    slug, name, summary = "bucket", "Bucket", "Watches a bucket."
    connect_fields = (
        ConnectField("bucket", "Bucket", "Such as pictures.example."),
        ConnectField("key", "Key file", "The file that the owner of the bucket made.", secret=True, multiline=True),
    )

    def key_of(self, connection: Any) -> str:
        return str(connection["bucket"])

    def steps(self, site: Site) -> tuple[Step, ...]:
        return (Step("Tell the bucket to report.", f"report --to {site.id}"), Step("Upload a picture."))


class Stall(PaperPlatform):
    slug, name, summary, installs_itself = "stall", "Stall", "Looks at every listing.", True


@pytest.fixture
def three(bench: Bench) -> Bench:
    """Have three kinds of platforms: by a pairing code, by typing, by being installed."""
    platforms: dict[str, Platform] = {**bench.core.platforms, "bucket": Bucket(), "stall": Stall()}
    return replace(bench, core=replace(bench.core, platforms=platforms))


@pytest.fixture
def address(three: Bench) -> Iterator[str]:
    with serving(three.core) as url:
        yield url


def joined(core: Core, name: str, role: str) -> int:
    link = links.invite(core, f"{name}@example.org", role, [], "Ada")
    return links.accept(core, link.rsplit("/", 1)[1], name, PASSWORD)


def test_from_the_link_to_a_connected_site_and_a_colleague(browser: Any, address: str, three: Bench) -> None:
    visit = Visit(browser, address, permissions=["clipboard-read", "clipboard-write"])
    page, core = visit.page, three.core
    link = links.setup_link(core)
    assert link is not None
    page.goto(link.removeprefix("http://picward.test"))
    for label, text in (("Your name", "Ada"), ("E-mail", "ada@example.org"), ("Password", PASSWORD)):
        page.get_by_label(label).fill(text)
    page.keyboard.press("Enter")
    api.expect(page.get_by_role("heading", level=1)).to_have_text("Connect your first site")
    for name in ("Bucket", "Paper", "Stall"):
        card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=name))
        assert 1 <= card.get_by_role("listitem").count() <= 3
    assert visit.audit() == []

    page.get_by_role("link", name="Bucket").click()
    page.get_by_label("Bucket", exact=True).fill("pictures.example")
    core.platforms["bucket"].trouble["check"] = PlatformRefused("The key was taken back.")  # type: ignore[attr-defined]
    page.get_by_label("Key file").fill("-----sesame-----")
    page.get_by_role("button", name="Test and connect").click()
    api.expect(page.get_by_role("alert")).to_contain_text("The key was taken back.")
    api.expect(page.get_by_label("Bucket", exact=True)).to_have_value("pictures.example")
    api.expect(page.get_by_label("Key file")).to_have_value("")
    assert sites.listing(core) == []
    assert visit.audit() == []
    core.platforms["bucket"].trouble.clear()  # type: ignore[attr-defined]
    chosen = {"name": "key.json", "mimeType": "application/json", "buffer": b'{"key": "sesame"}'}
    page.get_by_label("or choose the file").set_input_files(chosen)
    page.get_by_role("button", name="Test and connect").click()
    api.expect(page.get_by_text("The connection was tested and works.")).to_be_visible()
    row = sites.listing(core)[0]
    assert sites.get(core, row.id).credentials["key"] == '{"key": "sesame"}'
    assert "sesame" not in page.content()
    page.get_by_role("button", name="Copy Command 1").click()
    api.expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"report --to {row.id}"
    assert visit.audit() == []

    page.get_by_role("link", name="People").click()
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("E-mail").fill("eva@example.org")
    page.get_by_label("Read-only").check()
    page.get_by_label("Only these:").check()
    page.get_by_label(row.name).check()
    page.get_by_role("button", name="Make the link").click()
    join = page.get_by_label("The link").input_value()
    other = Visit(browser, address)
    other.page.goto(join.removeprefix("http://picward.test"))
    assert other.audit() == []
    other.page.get_by_label("Your name").fill("Eva")
    other.page.get_by_label("Password").fill(PASSWORD)
    other.page.get_by_role("button", name="Make the account").click()
    api.expect(other.page.get_by_role("navigation", name="Main")).to_contain_text("Decisions")
    assert "People" not in other.page.get_by_role("navigation", name="Main").inner_text()
    page.goto("/people")
    page.get_by_role("link", name="Eva").click()
    page.get_by_role("button", name="Disable this account").click()
    api.expect(page.get_by_role("status")).to_contain_text("disabled")
    other.page.reload()
    api.expect(other.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert visit.complaints == other.complaints == []


def test_a_site_that_is_paired_appears_by_itself(browser: Any, address: str, three: Bench) -> None:
    visit = Visit(browser, address).sign_in(three)
    page = visit.page
    page.goto("/sites/add")
    page.get_by_role("link", name="Stall").click()
    api.expect(page.get_by_role("heading", name="There is nothing to type here")).to_be_visible()
    page.get_by_role("link", name="Choose another kind").click()
    page.get_by_role("link", name="Paper").click()
    page.get_by_role("button", name="Make the pairing code").click()
    api.expect(page.get_by_label("Pairing code")).to_be_visible()
    row = sites.listing(three.core)[0]
    connecting.admit(three.core, "paper", three.signed(sites.get(three.core, row.id), b""))
    api.expect(page.get_by_text("The connection was tested and works.")).to_be_visible(timeout=10_000)
    assert visit.complaints == []


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_long_work_shows_how_far_it_is(browser: Any, address: str, three: Bench, scripts: bool) -> None:
    site = acting_site(three)
    for number in range(5):
        three.platform.images[str(number)] = b"x"
    page = Visit(browser, address, java_script_enabled=scripts).sign_in(three).page
    page.goto(f"/sites/{site.id}/scan")
    page.get_by_role("button", name="Only count").click()
    api.expect(page.get_by_text("0 pictures seen, 0 of them unknown to Picward. At work.")).to_be_visible()
    scan.step(three.core, site.id, lambda: False)
    api.expect(page.get_by_text("5 pictures seen, 5 of them unknown")).to_be_visible(timeout=15_000)
    api.expect(page.get_by_role("button", name="Stop")).to_have_count(0)


def test_erasing_asks_for_the_name(browser: Any, address: str, three: Bench) -> None:
    site = acting_site(three)
    decided(three, site, "one", 0.9)
    page = Visit(browser, address).sign_in(three).page
    page.goto(f"/sites/{site.id}/disconnect")
    page.get_by_role("button", name="Erase it for good").click()
    api.expect(page.get_by_label("Type the site's name to confirm")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Type the site's name to confirm").fill(site.name)
    page.keyboard.press("Enter")
    api.expect(page.get_by_role("status")).to_contain_text("is erased")
    assert sites.listing(three.core) == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")])
def test_every_page_can_be_read_labelled_and_fits(browser: Any, address: str, three: Bench, width: int, scheme: str) -> None:
    core = three.core
    visit = Visit(browser, address, viewport={"width": width, "height": 800}, color_scheme=scheme).sign_in(three)
    site = acting_site(three)
    three.platform.trouble["apply"] = PlatformRefused("The editor may not do this.")
    decided(three, site, "a-rather-long-name-" + "x" * 80, 0.9)
    typed = connecting.add(core, "bucket", "Photos", "Ada", {"bucket": "b", "key": "k"})
    pairing = connecting.add(core, "paper", "Second shop", "Ada")
    invited = links.invite(core, f"{'very-' * 10}long@example.org", "restricted", [site.id], "Ada")
    eva = links.accept(core, links.invite(core, "eva@example.org", "reader", [], "Ada").rsplit("/", 1)[1], "Eva", PASSWORD)
    reset = links.reset_link(core, eva, "Ada")
    accounts.disable(
        core, links.accept(core, links.invite(core, "b@c.de", "owner", [], "Ada").rsplit("/", 1)[1], "B", PASSWORD), "A"
    )
    scan.ask(core, site.id, "Ada", dry_run=True)
    wrong = []
    for path in (
        "/sites",
        "/sites/add",
        "/sites/add?platform=bucket",
        "/sites/add?platform=stall",
        f"/sites/{pairing.id}/connect",
        f"/sites/{typed.id}/connect",
        f"/sites/{typed.id}/reconnect",
        f"/sites/{site.id}",
        f"/sites/{site.id}/scan",
        f"/sites/{site.id}/disconnect",
        "/people",
        "/people/invite",
        f"/people/{eva}",
        "/people/3",
        "/people/99",
        "/account",
        invited.removeprefix("http://picward.test"),
        reset.removeprefix("http://picward.test"),
        "/reset/none",
        "/setup/none",
    ):
        visit.page.goto(path)
        wrong += visit.audit()
    assert wrong == []
    assert visit.complaints == []
