"""The plugin as a package: it parses, is guarded, small and complete."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo

from tests.integrations.wordpress import strings
from tests.integrations.wordpress.plugin.site import PLUGIN, SCRIPTS

FILES = sorted(PLUGIN.rglob("*.php"))


@pytest.mark.skipif(not shutil.which("php"), reason="needs php")
@pytest.mark.parametrize("path", [*FILES, *SCRIPTS.glob("*.php")], ids=lambda p: p.name)
def test_it_parses(path) -> None:  # type: ignore[no-untyped-def]
    done = subprocess.run(["php", "-l", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_each_file_is_guarded_small_and_prefixed(path) -> None:  # type: ignore[no-untyped-def]
    text = path.read_text()
    assert "defined( 'ABSPATH' ) || exit;" in text or "defined( 'WP_UNINSTALL_PLUGIN' ) || exit;" in text
    assert text.count("\n") < 400
    assert "<<<" not in text
    for name in re.findall(r"^function (\w+)|^(?:final )?class (\w+)|^const (\w+)", text, re.M):
        assert "".join(name).lower().startswith("picward_")
    # PHP 7.4 must be able to read it.
    assert not re.search(
        r"\bmatch \(|\?->|\breadonly\b|^enum |: never\b|: mixed\b|: static\b|\bstr_(contains|starts_with|ends_with)\(", text, re.M
    )
    for domain in re.findall(r"(?:__|_e|_x|esc_html__|esc_html_e|esc_attr__)\( '(?:[^'\\]|\\.)*', '(\w+)'", text):
        assert domain == "picward"


def test_readme_and_header_agree() -> None:
    header, readme = (PLUGIN / "picward.php").read_text(), (PLUGIN / "readme.txt").read_text()
    version = re.search(r"Version: +(\S+)", header)[1]  # type: ignore[index]
    assert f"Stable tag: {version}" in readme
    assert f"'PICWARD_VERSION', '{version}'" in header
    assert f"'PICWARD_VERSION', '{version}'" in (PLUGIN / "uninstall.php").read_text()
    for name in ("Requires at least", "Requires PHP"):
        assert re.search(rf"{name}: +(\S+)", header)[1] == re.search(rf"{name}: +(\S+)", readme)[1]  # type: ignore[index]
    short = readme.split("\n\n")[1].strip()
    assert len(short) <= 150
    assert "== External services ==" in readme
    assert len(re.search(r"Tags: (.*)", readme)[1].split(",")) <= 5  # type: ignore[index]


def test_the_template_has_every_text() -> None:
    assert strings.TEMPLATE.read_bytes() == strings.written(strings.template()), "make strings"
    # What our pattern finds is all that is marked: nothing is put together from pieces.
    for path in FILES:
        marks = len(re.findall(r"\b(?:__|_e|_n|esc_html__|esc_html_e|esc_attr__)\( ", path.read_text()))
        assert marks == sum(file == str(path.relative_to(PLUGIN)) for _, file, _ in strings.found()), path


@pytest.mark.parametrize("locale", strings.LOCALES)
def test_each_translation_is_whole_and_says_what_it_was_given(locale: str) -> None:
    catalog, texts = strings.translation(locale), strings.template()
    assert {message.id for message in catalog} == {message.id for message in texts}
    for message in catalog:
        if not message.id:
            continue
        given = [message.id] if isinstance(message.id, str) else list(message.id)
        said = [message.string] if isinstance(message.string, str) else list(message.string)
        assert len(said) == (1 if isinstance(message.id, str) else catalog.num_plurals)
        for text in said:
            assert text.strip() and not message.fuzzy
            assert placeholders(text) == placeholders(given[0]), message.id
    with (strings.FOLDER / f"picward-{locale}.mo").open("rb") as file:
        used = read_mo(file)
    assert texts_of(used) == texts_of(catalog)


def texts_of(catalog: Catalog) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    both = [(m.id, m.string) for m in catalog if m.id]
    return {
        (tuple(one) if isinstance(one, tuple | list) else (one,), tuple(two) if isinstance(two, tuple | list) else (two,))
        for one, two in both
    }


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%(?:\d\$)?[sd]", text))
