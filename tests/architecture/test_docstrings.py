"""Docstrings say something: every module has a line, and no verb opens them by rote."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = [path for room in ("app", "integrations", "models") for path in sorted((ROOT / room).rglob("*.py"))]

MOST = 0.1
"""The share of public docstrings that may begin with one word: what begins oftener is a formula."""


def public(tree: ast.Module) -> Iterator[str]:
    """List the docstrings of a module's public classes and functions."""
    for node in ast.walk(tree):
        public = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
        if public and (text := ast.get_docstring(node)):  # type: ignore[arg-type]
            yield text


def formulas(texts: list[str]) -> dict[str, int]:
    """Count the opening words that more than `MOST` of the texts have."""
    opened = Counter(text.split(maxsplit=1)[0] for text in texts)
    return {word: count for word, count in opened.items() if count > MOST * len(texts)}


def test_every_module_says_what_lives_there() -> None:
    silent = [path for path in CODE if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert silent == []


def test_no_verb_opens_the_docstrings_by_rote() -> None:
    texts = [text for path in CODE for text in public(ast.parse(path.read_text(encoding="utf-8")))]
    assert len(texts) > 500
    assert formulas(texts) == {}


def test_a_formula_is_found() -> None:
    tree = ast.parse('def a():\n    """Give a."""\nclass B:\n    """A b."""\ndef _c():\n    """Give c."""')
    assert list(public(tree)) == ["Give a.", "A b."]
    assert formulas(["Give a.", "Give b."] + [f"Word{n} c." for n in range(16)]) == {"Give": 2}
