"""The house stays as it was drawn: who imports whom, where SQL is."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = [path for room in ("app", "models", "integrations") for path in sorted((ROOT / room).rglob("*.py"))]


def test_the_layers_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "0 broken" in done.stdout


def test_sql_is_executed_only_under_app_db() -> None:
    outside = []
    for path in CODE:
        if path.is_relative_to(ROOT / "app" / "db"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in ("execute", "exec_driver_sql", "executemany", "scalars"):
                outside.append(f"{path.relative_to(ROOT)}:{node.lineno}")
            if isinstance(node, ast.ImportFrom) and node.module == "sqlalchemy":
                names = {alias.name for alias in node.names}
                if names - {"Connection", "Row"}:
                    outside.append(f"{path.relative_to(ROOT)}:{node.lineno} imports {names}")
    assert outside == []


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
