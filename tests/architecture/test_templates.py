"""Templates can be read: short lines, and none that nothing shows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LONGEST = 130
"""Characters in a line, as in the Python code."""

CONSOLE = ROOT / "app" / "web" / "templates"
FOLDERS = [CONSOLE, *sorted(ROOT.glob("integrations/*/pages"))]
TEMPLATES = [path for folder in FOLDERS for path in sorted(folder.rglob("*.html"))]

_USED = re.compile(r"""{%-?\s*(?:extends|include|import|from)\s+["']([^"']+)["']""")


def too_long(path: Path) -> list[int]:
    return [number for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if len(line) > LONGEST]


def unused(folder: Path, code: list[Path]) -> set[str]:
    """List the templates of a folder that no Python under `code` names and that no template in use asks for.

    A name is a constant that is the template's path in the folder, with or without its suffix: embedded pages are asked for
    by their bare names.
    """
    texts = {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*.html")}
    named = {
        node.value
        for path in code
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    used = {name for name in texts if name in named or name.removesuffix(".html") in named}
    waiting = set(used)
    while waiting:
        asked = {found for name in waiting for found in _USED.findall(texts[name]) if found in texts}
        waiting = asked - used
        used |= asked
    return set(texts) - used


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_line_of_a_template_is_too_long(path: Path) -> None:
    assert too_long(path) == []


@pytest.mark.parametrize("directory", FOLDERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_template_is_shown_by_something(directory: Path) -> None:
    assert unused(directory, sorted((ROOT / "app" / "web").rglob("*.py"))) == set()


def test_a_long_line_and_a_lost_template_are_found(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text('{% extends "base.html" %}\n' + "x" * (LONGEST + 1))
    (tmp_path / "base.html").write_text("short")
    (tmp_path / "lost.html").write_text('{% extends "base.html" %}{% import "lost_too.html" as parts %}')
    (tmp_path / "lost_too.html").write_text("")
    (tmp_path / "rooms.py").write_text('render_template("page.html")')
    assert too_long(tmp_path / "page.html") == [2]
    assert unused(tmp_path, [tmp_path / "rooms.py"]) == {"lost.html", "lost_too.html"}
