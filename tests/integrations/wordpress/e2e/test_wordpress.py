"""The main job on real input: a real WordPress with MariaDB, the real plugin, a real Picward with its real model."""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from tests.integrations.wordpress.plugin.conftest import NEEDED
from tests.integrations.wordpress.plugin.site import SOURCE, WordPress, form, picture
from tests.support.instance import Instance, running, wait_for
from tests.support.pictures import colour_wheel

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def wordpress() -> Iterator[WordPress]:
    missing = [name for name in {*NEEDED, "mariadbd"} if not shutil.which(name)]
    if missing:
        pytest.skip(f"a real WordPress needs {', '.join(missing)}; make test installs them as root on Debian or Ubuntu")
    root = Path(tempfile.mkdtemp(prefix="pwe-"))  # short: the path of a socket must fit into 107 bytes
    root.chmod(0o755)
    site = WordPress(root, SOURCE, "mysql")
    try:
        site.start()
        yield site
    finally:
        site.stop()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module")
def picward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running(tmp_path_factory.mktemp("picward"), lease_seconds="10", log_level="WARNING") as instance:
        yield instance


@pytest.fixture(scope="module")
def admin(wordpress: WordPress) -> requests.Session:
    return wordpress.login()


@pytest.fixture(scope="module")
def site_id(picward: Instance, wordpress: WordPress, admin: requests.Session) -> str:
    """Pair as an owner does: one code, pasted into the plugin's page, Connect, a tested connection."""
    told = picward.cli("sites", "add", "wordpress", "--name", "Blog", "--private-network").splitlines()
    page = admin.get(f"{wordpress.url}/wp-admin/options-general.php?page=picward", timeout=60).text
    fields = form(page, "picward_code")
    answer = admin.post(fields.pop("__action"), data=fields | {"picward_code": told[-1]}, timeout=90)
    assert "Connected and tested." in answer.text
    assert "WordPress " in answer.text
    return told[0].split()[0]


def block(picward: Instance, folder: Path, *pictures: bytes) -> None:
    """Put pictures on the block list, as an owner would, with the hashes that Picward itself makes of them."""
    files = []
    for number, data in enumerate(pictures):
        files.append(folder / f"listed-{number}")
        files[-1].write_bytes(data)
    known = folder / "list.csv"
    known.write_text(picward.cli("hashes", "of", *map(str, files), "--note", "not here"))
    assert len(list(csv.reader(io.StringIO(known.read_text())))) > len(pictures)
    picward.cli("hashes", "import", str(known))


def decision(picward: Instance, media: int) -> dict[str, Any] | None:
    return next((item for item in picward.decisions() if item["media"] == str(media)), None)


def done(picward: Instance, media: int, verdict: str, action: str) -> bool:
    found = decision(picward, media)
    return bool(found and (found["verdict"], found["action"], found["state"]) == (verdict, action, "done"))


def sizes(files: dict[str, bytes]) -> dict[str, tuple[tuple[int, int], str | None]]:
    found = {}
    for name, data in files.items():
        with Image.open(io.BytesIO(data)) as image:
            found[name] = (image.size, image.format)
    return found


def approve(admin: requests.Session, wordpress: WordPress, media: int) -> None:
    """Press Approve in the review list under Media."""
    page = admin.get(f"{wordpress.url}/wp-admin/upload.php?page=picward-review&view=blocked", timeout=60).text
    links = [link.replace("&#038;", "&").replace("&amp;", "&") for link in page.split('"') if "action=picward_approve" in link]
    link = next(link for link in links if f"={media}&" in link or link.endswith(f"={media}"))
    assert admin.get(link, timeout=90).status_code == 200


def test_an_uploaded_picture_is_hidden_and_restored_byte_for_byte(
    picward: Instance, wordpress: WordPress, admin: requests.Session, site_id: str, tmp_path: Path
) -> None:
    data = picture(3000, 2000, seed=41, quality=90)
    block(picward, tmp_path, data)
    picward.cli("sites", "pause", site_id)  # to read the files before they are hidden
    media = wordpress.upload(data, "unwanted.jpg")["id"]
    before = wordpress.files(media)
    assert data in before.values()
    picward.cli("sites", "resume", site_id)
    wait_for(lambda: done(picward, media, "block", "hide"), "the picture to be hidden", 90, picward.log)
    served = wordpress.served(list(before))
    assert len(served) >= 7
    assert all(served[name] not in before.values() for name in before), "an original is still public"
    assert sizes(served) == sizes(before), "a placeholder has another size or format than what it stands for"

    approve(admin, wordpress, media)
    assert wordpress.served(list(before)) == before
    wait_for(lambda: (decision(picward, media) or {}).get("verdict") == "allow", "the verdict to arrive", 90, picward.log)
    wait_for(lambda: done(picward, media, "allow", "restore"), "the restore to be confirmed", 90, picward.log)
    assert wordpress.served(list(before)) == before

    again = wordpress.upload(data, "unwanted-again.jpg")["id"]
    wait_for(
        lambda: (decision(picward, again) or {}).get("verdict") == "allow", "the verdict to stick to the bytes", 90, picward.log
    )


def test_the_models_verdict_hides_under_the_sites_policy(picward: Instance, wordpress: WordPress, site_id: str) -> None:
    wheel = colour_wheel()
    watched = wordpress.upload(wheel, "wheel-watched.jpg")["id"]
    found = wait_for(lambda: decision(picward, watched), "a decision", 90, picward.log)
    assert found["verdict"] == "allow"
    assert "Exposed buttocks or anus 0." in found["why"]
    assert "[shadow: only recorded]" in found["why"]
    picward.cli("policy", "set", site_id, "sexual.explicit_nudity", "--mode", "enforce")
    wait_for(lambda: done(picward, watched, "block", "hide"), "the new policy to be replayed", 90, picward.log)
    assert wordpress.served([f"{time.strftime('%Y/%m')}/wheel-watched.jpg"]) != {
        f"{time.strftime('%Y/%m')}/wheel-watched.jpg": wheel
    }
    picward.cli("policy", "set", site_id, "sexual.explicit_nudity", "--mode", "shadow")
    wait_for(lambda: done(picward, watched, "allow", "restore"), "the release", 90, picward.log)
    assert (
        wordpress.served([f"{time.strftime('%Y/%m')}/wheel-watched.jpg"])[f"{time.strftime('%Y/%m')}/wheel-watched.jpg"] == wheel
    )


def test_uploads_while_picward_is_down_are_judged_when_it_is_back(
    picward: Instance, wordpress: WordPress, site_id: str, tmp_path: Path
) -> None:
    data = picture(640, 480, seed=42)
    block(picward, tmp_path, data)
    picward.stop()
    started = time.monotonic()
    media = wordpress.upload(data, "while-away.jpg")["id"]
    assert time.monotonic() - started < 30
    picward.start()
    # The next event that gets through brings all that wait along; without one Picward asks for them within a minute.
    wordpress.upload(picture(64, 48, seed=45), "and-then.jpg")
    wait_for(lambda: done(picward, media, "block", "hide"), "the waiting event", 150, picward.log)


def test_a_decision_while_wordpress_is_down_is_carried_out_when_it_is_back(
    picward: Instance, wordpress: WordPress, site_id: str
) -> None:
    data = picture(640, 480, seed=43)
    media = wordpress.upload(data, "rejected-later.jpg")["id"]
    found = wait_for(lambda: decision(picward, media), "a decision", 90, picward.log)
    wordpress.stop()
    picward.cli("decisions", "resolve", str(found["id"]), "block")
    time.sleep(2)
    assert not done(picward, media, "block", "hide")
    wordpress.start()
    wait_for(lambda: done(picward, media, "block", "hide"), "the action to be retried", 120, picward.log)
    name = f"{time.strftime('%Y/%m')}/rejected-later.jpg"
    assert wordpress.served([name])[name] != data


def test_what_is_there_already_is_found_by_a_scan(picward: Instance, wordpress: WordPress, site_id: str) -> None:
    admin_code = "require_once ABSPATH . 'wp-admin/includes/plugin.php';"
    wordpress.php(f"{admin_code} deactivate_plugins( 'picward/picward.php' );")
    media = wordpress.upload(picture(640, 480, seed=44), "unseen.jpg")["id"]
    wordpress.php(f"{admin_code} activate_plugin( 'picward/picward.php' );")
    assert "1 would be queued" in picward.cli("scan", site_id, "--dry-run")
    assert "1 queued" in picward.cli("scan", site_id)
    wait_for(lambda: decision(picward, media), "a decision", 90, picward.log)
