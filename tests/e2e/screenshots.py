"""`make screenshots`: the pages as a new owner sees them, in docs/images."""

from __future__ import annotations

import random
import re
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from integrations.folder.demo import _scene
from tests.e2e.test_console import CHROMIUM
from tests.e2e.test_wordpress import colour_wheel
from tests.support.instance import Instance, running, wait_for

IMAGES = Path(__file__).parents[2] / "docs" / "images"
OWNER = {"name": "Ann", "email": "ann@example.org", "password": "correct horse battery"}


def main() -> None:
    with tempfile.TemporaryDirectory() as name, running(Path(name), log_level="WARNING") as picward, sync_playwright() as play:
        site = furnish(Path(name), picward)
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = play.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = browser.new_page(viewport={"width": 1100, "height": 760}, device_scale_factor=1)
        page.goto(re.findall(r"http://\S+/setup/\S+", picward.log.read_text())[-1])
        for field, value in OWNER.items():
            page.fill(f"input[name={field}]", value)
        page.keyboard.press("Enter")
        page.wait_for_url("**/sites**")
        for path, file in ((f"/sites/{site}/rules", "policy.png"), ("/review", "review.png")):
            page.goto(picward.url + path, wait_until="networkidle")
            take(page, file)
        browser.close()


def furnish(folder: Path, picward: Instance) -> str:
    """Watch a directory of landscapes and the colour wheels that the model takes for something else."""
    pictures = folder / "spring-collection"
    pictures.mkdir()
    chance = random.Random(11)
    for number in range(5):
        _scene(chance).save(pictures / f"landscape-{number + 1}.jpg")
    whole = (pictures / "landscape-1.jpg").read_bytes()
    (pictures / "cut-off.jpg").write_bytes(whole[: len(whole) // 2])
    for side in (700, 900):
        (pictures / f"colour-wheel-{side}.jpg").write_bytes(colour_wheel(side))
    site = picward.cli("sites", "add", "folder", "--name", "Spring collection", "--set", f"path={pictures}").split()[0]
    picward.cli("policy", "set", site, "sexual.explicit_nudity", "--mode", "review")
    wait_for(lambda: len(picward.decisions()) == 8, "all verdicts", 60, picward.log)
    wait_for(lambda: sum(item["verdict"] == "review" for item in picward.decisions()) == 3, "the policy", 60, picward.log)
    return site


def take(page: Page, file: str) -> None:
    page.wait_for_timeout(300)
    page.screenshot(path=IMAGES / file)


if __name__ == "__main__":
    main()
