"""One slug, three rooms: integrations/<slug>/, plugins/<slug>/ and tests/integrations/<slug>/. Nothing else names a platform.

What people read may: the pages in docs/ and every *.md. So may what is made of all rooms or installs them: the catalogue of the
pages' texts, the lock in requirements/, and in pyproject.toml the description, the optional dependencies with the linters'
tables about them. And tests/upgrade/ may, which keeps what earlier versions wrote on each platform. A room of one platform
names no other.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.registry import platforms

ROOT = Path(__file__).parents[2]
SLUGS = sorted(path.parent.name for path in (ROOT / "integrations").glob("*/platform.py"))

READ_BY_PEOPLE = ("docs/", "app/web/locale/", "requirements/", "tests/upgrade/", "LICENSE", "pyproject.toml")
NO_SOURCE = {"var", "build", "node_modules", "__pycache__"}
OURS_THOUGH_HIDDEN = {".ci", ".editorconfig", ".pre-commit-config.yaml", ".gitignore"}

ORDINARY_WORDS = {"folder"}
"""Slugs that English and code use for other things; they name a platform only where one is meant."""


def pattern(slug: str) -> re.Pattern[str]:
    """Match a slug inside names, addresses and file names too, in any case; an ordinary word only where it is a platform's."""
    if slug in ORDINARY_WORDS:
        rooms = rf"(?:integrations|plugins)[./]{slug}\b"
        added = rf"""add["', ]+{slug}\b"""
        return re.compile(rf"""{rooms}|{added}|(?<![\w"'])["']{slug}["'](?!\s*:)|test_{slug}""")
    return re.compile(slug, re.IGNORECASE)


def files(root: Path) -> Iterator[Path]:
    """Walk what is ours: no data, no caches, nothing that was installed or built."""
    for name, folders, found in os.walk(root):
        folders[:] = sorted(
            folder
            for folder in folders
            if folder not in NO_SOURCE and not folder.endswith(".egg-info") and (folder[0] != "." or folder in OURS_THOUGH_HIDDEN)
        )
        yield from (Path(name, file) for file in sorted(found) if file[0] != "." or file in OURS_THOUGH_HIDDEN)


def foreign(path: str) -> list[str]:
    """Give the platforms that a file of this path may not name."""
    if path.startswith(READ_BY_PEOPLE) or path.endswith(".md") or path == Path(__file__).relative_to(ROOT).as_posix():
        return []
    room = re.match(r"(?:integrations|plugins|tests/integrations)/([^/]+)/", path)
    return [slug for slug in SLUGS if room is None or slug != room[1]]


def named(root: Path) -> list[str]:
    found = []
    for path in files(root):
        name = path.relative_to(root).as_posix()
        for slug in foreign(name):
            text = f"{name}\n{path.read_text(encoding='utf-8', errors='replace')}"
            found += [f"{name}: {match.group()}" for match in pattern(slug).finditer(text)]
    return found


def test_no_platform_is_named_outside_its_rooms() -> None:
    assert set(SLUGS) <= set(platforms())
    assert named(ROOT) == []


SPOKEN = [
    ("wordpress", "bench/any.py", "env['PICWARD_WORDPRESS_X']"),
    ("wordpress", "Makefile", "plugins/wordpress/any"),
    ("wordpress", "tests/test_wordpress.py", ""),
    ("shopify", "tests/web/any.py", "# as ShopifyQL does"),
    ("shopify", "app/web/static/any.js", "shopify-reload"),
    ("shopify", ".ci/run", "fetch_shopify.sh"),
    ("firebase", "integrations/kit/any.py", "import firebase_admin"),
    ("firebase", "examples/any/any.toml", 'needs = ["firebase"]'),
    ("folder", "app/any.py", 'slug == "folder"'),
    ("folder", "plugins/wordpress/any.php", "see integrations/folder/tree.py"),
    ("folder", "tests/any.py", 'cli("sites", "add", "folder")'),
    ("folder", "tests/support/any.sh", "picward sites add folder"),
    ("folder", "tests/any.py", "from plugins.folder.demo import main"),
    ("folder", "tests/e2e/test_folder.py", ""),
]


@pytest.mark.parametrize(("slug", "path", "text"), SPOKEN)
def test_a_name_is_found_wherever_it_is_said(slug: str, path: str, text: str, tmp_path: Path) -> None:
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(text)
    found = named(tmp_path)
    assert found and all(slug in line.partition(": ")[2].lower() for line in found)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("integrations/wordpress/any.py", "WordPress"),
        ("tests/integrations/wordpress/e2e/test_wordpress.py", "wordpress"),
        ("docs/any.md", "WordPress, Shopify, Firebase"),
        ("integrations/firebase/any.py", '{"folder": name.rpartition("/")[0]}'),
        ("bench/any.py", "folder = Path(name)  # the folder's name"),
    ],
)
def test_a_room_may_name_its_own_and_words_are_words(path: str, text: str, tmp_path: Path) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(text)
    assert named(tmp_path) == []


def test_pyproject_names_platforms_only_where_it_installs_them() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    del project["project"]["description"], project["project"]["optional-dependencies"]
    del project["tool"]["mypy"]["overrides"], project["tool"]["importlinter"]
    assert [slug for slug in SLUGS if pattern(slug).search(repr(project))] == []


@pytest.mark.parametrize("slug", sorted(platforms()))
def test_every_platform_has_its_room_of_tests_and_a_page(slug: str) -> None:
    assert (ROOT / "tests" / "integrations" / slug / "contract.py").is_file()
    assert (ROOT / "docs" / "platforms" / f"{slug}.md").is_file()
