"""Every table of facts is complete, and the papers say what the code says."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import JSON, Enum, Table

from app.config import Config
from app.db import migrate
from app.db.tables import metadata
from app.domain.limits import EntryLimits, ImageLimits, explained
from app.domain.roles import RIGHTS, Right
from app.domain.taxonomy import CATEGORIES
from app.services.review import keys
from integrations.registry import platforms
from tests.support.core import Bench

ROOT = Path(__file__).parents[2]
DOCS = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md"), *ROOT.glob("integrations/*/README.md")])


def test_the_migrations_make_the_tables_that_the_code_uses(bench: Bench) -> None:
    with bench.core.db.read() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    assert differences == []


def read_shapes() -> dict[str, tuple[Table, type[Any]]]:
    """Find what is read of which table: every `columns(table, Shape)` under app/db."""
    found = {}
    for path in sorted((ROOT / "app/db").glob("*.py")):
        module = importlib.import_module(f"app.db.{path.stem}")
        for table, shape in re.findall(r"\bcolumns\((\w+), (\w+)\)", path.read_text()):
            found[f"{path.stem}.{shape}"] = (getattr(module, table), getattr(module, shape))
    return found


NEVER_EMPTY = {("Taken", "picture")}
"""Columns that may be empty in other rows than those that are read."""


@pytest.mark.parametrize(("table", "shape"), read_shapes().values(), ids=read_shapes())
def test_a_typed_row_has_the_types_of_its_columns(table: Table, shape: type[Any]) -> None:
    for name, hint in get_type_hints(shape).items():
        column = table.c[name]
        empty = NoneType in get_args(hint)
        assert column.nullable == (empty or (shape.__name__, name) in NEVER_EMPTY), name
        if not isinstance(column.type, JSON):
            kind = column.type.enum_class if isinstance(column.type, Enum) else column.type.python_type
            assert (get_args(hint)[0] if empty else hint) == kind, name


def test_the_newest_revision_is_named() -> None:
    files = sorted(path.name[:4] for path in (ROOT / "app/db/migrations/versions").glob("[0-9]*.py"))
    assert files[-1] == migrate.NEWEST


@pytest.mark.parametrize("name", sorted(Config.model_fields))
def test_every_operator_setting_is_documented_with_its_default(name: str) -> None:
    row = re.search(rf"^\| `PICWARD_{name.upper()}` \| (.*?) \| (.*) \|$", (ROOT / "docs/operations.md").read_text(), re.M)
    assert row, f"docs/operations.md does not list PICWARD_{name.upper()}"
    default = Config.model_fields[name].default
    assert row[1].strip("`") == (str(default) or "–")
    assert row[2] == Config.model_fields[name].description


PLATFORM_SETTINGS = [(slug, name) for slug, one in sorted(platforms().items()) if one.Config for name in one.Config.model_fields]


@pytest.mark.parametrize(("slug", "name"), PLATFORM_SETTINGS)
def test_every_operator_setting_of_a_platform_is_documented_with_its_default(slug: str, name: str) -> None:
    config = platforms()[slug].Config
    assert config is not None and config.model_config["env_prefix"] == f"PICWARD_{slug.upper()}_"
    field = config.model_fields[name]
    row = f"| `PICWARD_{slug.upper()}_{name.upper()}` | {f'`{field.default}`' if field.default else '–'} | {field.description} |"
    assert row in (ROOT / "docs/operations.md").read_text()


@pytest.mark.parametrize("limit", [*explained(ImageLimits), *explained(EntryLimits)], ids=lambda limit: limit[0])
def test_every_limit_is_documented_with_its_default(limit: tuple[str, str, object, str]) -> None:
    name, unit, default, reason = limit
    value = f"{default:,}" if isinstance(default, int) else str(default)
    assert f"| `{name}` | {value} {unit} | {reason} |" in (ROOT / "docs/operations.md").read_text()


def test_the_console_page_tells_the_keys_and_the_roles() -> None:
    page = (ROOT / "docs/console.md").read_text()
    for key in keys.ACTIONS.values():
        assert f"| `{'space' if key.key == ' ' else key.key}` | {key.title} |" in page
    for role, rights in RIGHTS.items():
        assert f"| `{role}` | {', '.join(right for right in Right if right in rights)} |" in page


def test_every_category_is_documented() -> None:
    text = (ROOT / "docs/taxonomy.md").read_text()
    assert [name for name in CATEGORIES if f"`{name}`" not in text] == []


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def members(source: str) -> list[tuple[str, ...]]:
    """Read what `class Platform` in a source declares, in no order: names, types, defaults, arguments."""
    found: list[tuple[str, ...]] = []
    for tree in ast.parse(source).body:
        if isinstance(tree, ast.ClassDef) and tree.name == "Platform":
            for node in tree.body:
                match node:
                    case ast.AnnAssign(target=target, annotation=annotation, value=value):
                        found.append((ast.unparse(target), ast.unparse(annotation), ast.unparse(value) if value else ""))
                    case ast.FunctionDef(name=name, args=args, returns=returns):
                        found.append((name, ast.unparse(args), ast.unparse(returns) if returns else ""))
    return sorted(found)


def test_the_architecture_shows_the_whole_interface_of_a_platform() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    shown = [block for block in re.findall(r"```python\n(.*?)```", page, re.S) if "class Platform" in block]
    declared = members((ROOT / "app/domain/platform.py").read_text())
    assert len(declared) > 25
    assert [members(block) for block in shown] == [declared]


def test_decisions_are_numbered_without_a_gap_and_all_linked() -> None:
    files = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in files] == list(range(1, len(files) + 1))
    table = (ROOT / "docs/architecture.md").read_text().partition("## Decisions")[2]
    titles = {path.name: path.read_text().partition("\n")[0].partition(": ")[2] for path in files}
    rows = [f"| [{name[:4]}](decisions/{name}) | {title} |" for name, title in titles.items()]
    assert re.findall(r"^\| \[.*$", table, re.M) == rows
