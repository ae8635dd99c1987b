"""`make screenshots`: each page as a new owner sees it, in docs/images."""

from __future__ import annotations

import random
import re
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from plugins.folder.demo import _scene
from tests.support.browser import CHROMIUM
from tests.support.instance import Instance, running, wait_for
from tests.support.pictures import colour_wheel

IMAGES = Path(__file__).parents[3] / "docs" / "images"
OWNER = {"name": "Ann", "email": "ann@example.org", "password": "correct horse battery"}
SCENES, WHEELS = 12, 30

PAGES = {
    "site.png": "/sites/{site}",
    "settings.png": "/sites/{site}/settings",
    "policy.png": "/sites/{site}/rules",
    "scan.png": "/sites/{site}/scan",
    "review.png": "/review",
    "review-list.png": "/review/list",
    "decisions.png": "/decisions",
    "history.png": "/history",
    "insights.png": "/insights",
    "try.png": "/try",
    "people.png": "/people",
    "account.png": "/account",
    "programs.png": "/programs",
    "sites.png": "/sites",
}
"""The file of each page, and its address."""


_ELSEWHERE = """folder => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(folder, "/srv/pictures");
}"""
# The directory of this run is nobody's business.


def main() -> None:
    with tempfile.TemporaryDirectory() as name, running(Path(name), log_level="WARNING") as picward, sync_playwright() as play:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = play.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = browser.new_page(viewport={"width": 1100, "height": 760}, device_scale_factor=1)
        page.goto(re.findall(r"http://\S+/setup/\S+", picward.log.read_text())[-1])
        take(page, "first-run.png")
        for field, value in OWNER.items():
            page.fill(f"input[name={field}]", value)
        page.keyboard.press("Enter")
        page.wait_for_url("**/sites**")
        take(page, "connect.png")
        site = furnish(Path(name), picward)
        for file, path in PAGES.items():
            page.goto(picward.url + path.format(site=site), wait_until="networkidle")
            page.evaluate(_ELSEWHERE, name)
            take(page, file)
        browser.close()


def furnish(folder: Path, picward: Instance) -> str:
    """Watch a directory of landscapes and the colour wheels that the model takes for something else."""
    pictures = folder / "spring-collection"
    pictures.mkdir()
    chance = random.Random(11)
    for number in range(SCENES):
        _scene(chance).save(pictures / f"landscape-{number + 1}.jpg")
    whole = (pictures / "landscape-1.jpg").read_bytes()
    (pictures / "cut-off.jpg").write_bytes(whole[: len(whole) // 2])
    wheel = folder / "wheel.jpg"
    wheel.write_bytes(colour_wheel(900))
    with Image.open(wheel) as drawn:
        for number in range(WHEELS):
            side = 600 + 10 * number
            drawn.resize((side, side)).save(pictures / f"colour-wheel-{side}.jpg", quality=92)
    site = picward.cli("sites", "add", "folder", "--name", "Spring collection", "--set", f"path={pictures}").split()[0]
    picward.cli("policy", "set", site, "sexual.explicit_nudity", "--mode", "review")
    wait_for(lambda: len(picward.decisions()) == SCENES + WHEELS + 1, "all verdicts", 120, picward.log)
    wait_for(lambda: sum(item["verdict"] == "review" for item in picward.decisions()) > WHEELS / 2, "the policy", 60, picward.log)
    return site


def take(page: Page, file: str) -> None:
    page.wait_for_timeout(300)
    page.screenshot(path=IMAGES / file)


if __name__ == "__main__":
    main()
