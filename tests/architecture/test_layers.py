"""The house stays as it was drawn: who imports whom, where SQL is."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from integrations.registry import platforms

ROOT = Path(__file__).parents[2]
CODE = [path for room in ("app", "models", "integrations") for path in sorted((ROOT / room).rglob("*.py"))]


def test_the_layers_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "0 broken" in done.stdout


ONE, OTHER = sorted(platforms())[:2]

PLANTED = [
    ("app/db/jobs.py", "import app.supervisor"),
    ("app/db/jobs.py", "from app.services import core"),
    ("app/domain/policy.py", "from app.db import jobs"),
    ("app/services/pipeline/record.py", "from app.adapters import mail"),
    ("app/services/pipeline/record.py", "from integrations.kit import signing"),
    ("app/services/pipeline/record.py", "import models.judge"),
    ("app/web/door.py", "from app.db import jobs"),
    ("app/web/door.py", "from app.dispatch import hints"),
    ("app/adapters/mail.py", "from app.db import jobs"),
    ("app/adapters/mail.py", "from app.services import core"),
    ("app/newcomer.py", "from app.domain import time"),
    ("models/judge.py", "from app.services import core"),
    ("models/judge.py", "from integrations.kit import http"),
    (f"integrations/{ONE}/platform.py", "from app.services import core"),
    (f"integrations/{ONE}/platform.py", "import models.image"),
    (f"integrations/{ONE}/platform.py", f"from integrations.{OTHER} import platform"),
    ("integrations/newcomer/__init__.py", f"from integrations.{ONE} import platform"),
    ("integrations/kit/http.py", f"from integrations.{ONE} import platform"),
]


@pytest.mark.parametrize(("path", "line"), PLANTED)
def test_a_forbidden_import_fails_lint(tmp_path: Path, path: str, line: str) -> None:
    for room in ("app", "integrations", "models"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("*.pyc", "locale", "templates"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    target = tmp_path / path
    target.parent.mkdir(exist_ok=True)
    known = target.read_text() if target.exists() else ""
    target.write_text(f"{known}\n{line}\n")
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "BROKEN" in done.stdout, done.stdout[-2000:]


THIRD_PARTY = {
    "app/domain": {"pydantic", "confusable_homoglyphs"},
    "app/db": {"alembic", "sqlalchemy"},
    "app/services": {"argon2", "sqlalchemy"},
    "app/adapters": {"cryptography"},
    "app/dispatch": set[str](),
    "app/web": {"babel", "flask", "jinja2", "markupsafe", "pydantic", "werkzeug"},
    "integrations/kit": {"cryptography", "requests", "requests_hardened", "urllib3"},
}
"""What else each floor may import; tests of what they load at start-up are below."""


@pytest.mark.parametrize("floor", sorted(THIRD_PARTY))
def test_each_floor_imports_only_what_is_its_own(floor: str) -> None:
    ours = {"app", "integrations", "models"}
    found = set()
    for path in (ROOT / floor).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            found |= {name.partition(".")[0] for name in names}
    assert found - ours - sys.stdlib_module_names <= THIRD_PARTY[floor]


def test_pictures_are_opened_only_in_models() -> None:
    rooms = [path for path in CODE if not path.is_relative_to(ROOT / "models")]
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in rooms
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "PIL")
        or (isinstance(node, ast.Import) and any(alias.name.partition(".")[0] == "PIL" for alias in node.names))
    ]
    assert found == []


EXECUTING = ("execute", "exec_driver_sql", "executemany", "scalars", "begin_nested")


def of_the_database(source: str) -> list[str]:
    """Find what belongs under app/db only: SQL that is executed, its tables, and of SQLAlchemy all but a connection."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(attr=name) if name in EXECUTING:
                found.append(f"{node.lineno} calls {name}")
            case ast.Import(names=names):
                modules = [
                    alias.name for alias in names if alias.name.split(".")[0] == "sqlalchemy" or "app.db.tables" in alias.name
                ]
                found += [f"{node.lineno} imports {module}" for module in modules]
            case ast.ImportFrom(module=str(module), names=names):
                named = {f"{module}.{alias.name}" for alias in names if module.split(".")[0] in ("sqlalchemy", "app")}
                taken = {name for name in named if name.startswith(("sqlalchemy.", "app.db.tables"))} - {"sqlalchemy.Connection"}
                found += [f"{node.lineno} imports {name}" for name in sorted(taken)]
    return found


def test_sql_tables_and_rows_stay_under_app_db() -> None:
    above = [path for path in CODE if not path.is_relative_to(ROOT / "app" / "db")]
    found = {str(path.relative_to(ROOT)): of_the_database(path.read_text()) for path in above}
    assert {path: what for path, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "line",
    [
        "from sqlalchemy import Connection, Row",
        "from sqlalchemy import select",
        "from sqlalchemy.exc import IntegrityError",
        "from sqlalchemy.engine import Connection",
        "import sqlalchemy",
        "import sqlalchemy.exc as errors",
        "from app.db import tables",
        "from app.db.tables import jobs",
        "import app.db.tables",
        "connection.exec_driver_sql('SELECT 1')",
        "connection.begin_nested()",
    ],
)
def test_what_belongs_under_app_db_is_found_elsewhere(line: str) -> None:
    assert len(of_the_database(f"from sqlalchemy import Connection\nfrom app.db import jobs\n{line}\n")) == 1


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("app.domain.platform", ("flask", "sqlalchemy", "requests", "numpy", "onnxruntime", "PIL")),
        ("app", ("flask", "sqlalchemy")),
        ("app.factory", ("onnxruntime", "numpy", "cv2", "alembic")),
        ("app.web.application", ("onnxruntime", "numpy", "cv2", "alembic")),
        ("app.supervisor", ("flask", "sqlalchemy", "pydantic")),
        ("models.judge", ("cv2", "onnxruntime")),
    ],
)
def test_importing_a_layer_does_not_load_what_it_does_not_need(module: str, heavy: tuple[str, ...]) -> None:
    script = f"import sys, {module}; print(','.join(m for m in {heavy!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_rival_app_in_the_working_directory_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").write_text("raise SystemExit('the rival was imported')")
    (tmp_path / "app.py").write_text("raise SystemExit('the rival was imported')")
    picward = Path(sys.executable).with_name("picward")
    environment = {**os.environ, "PICWARD_DATA_DIR": str(tmp_path / "var")}
    done = subprocess.run([picward, "migrate"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("The database is at revision"), done.stderr
    # `serve` starts its children by module name; -P keeps the working directory off their path.
    done = subprocess.run(
        [sys.executable, "-P", "-m", "app.cli", "--version"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "rival" not in done.stdout + done.stderr
    assert '"-P", "-m", "app.cli"' in (ROOT / "app" / "cli.py").read_text()
