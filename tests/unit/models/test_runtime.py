"""ONNX sessions: telemetry off before the import, lazy, one per process, loud failures."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from app.domain.errors import ModelUnavailable
from models import runtime
from models.registry import cards
from models.runtime import Model
from models.store import find

ROOT = Path(__file__).parents[3]

WATCH = """
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            print("ORT_DISABLE_TELEMETRY =", os.environ.get("ORT_DISABLE_TELEMETRY"))
sys.meta_path.insert(0, Watch())
"""


def child(code: str, **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run(
        [sys.executable, "-c", WATCH + code], cwd=ROOT, env=kept | environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def model() -> Model:
    return Model(find(cards()["nudenet"].file, None))


@pytest.mark.parametrize("before", [{}, {"ORT_DISABLE_TELEMETRY": "0"}, {"ORT_DISABLE_TELEMETRY": ""}])
def test_telemetry_is_off_when_onnxruntime_is_imported(before: dict[str, str]) -> None:
    out = child("from models.judge import LocalJudge; LocalJudge().check('nudenet')", **before)
    assert out.splitlines() == ["ORT_DISABLE_TELEMETRY = 1"]


def test_importing_everything_loads_no_runtime_and_no_opencv() -> None:
    code = "import models.judge, models.nudenet.detector; models.judge.LocalJudge()\n"
    assert child(code + "print([name for name in ('onnxruntime', 'cv2', 'nudenet') if name in sys.modules])") == "[]\n"


def test_only_the_runtime_imports_onnxruntime() -> None:
    pattern = re.compile(r"^\s*(import|from) +onnxruntime", re.MULTILINE)
    files = [file for room in ("app", "integrations", "models") for file in (ROOT / room).rglob("*.py")]
    found = [file.relative_to(ROOT).as_posix() for file in files if pattern.search(file.read_text(encoding="utf-8"))]
    assert found == ["models/runtime.py"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_makes_its_own_session_and_exits() -> None:
    code = """
from models.judge import LocalJudge
judge = LocalJudge()
judge.check("nudenet")
sys.stdout.flush()
child = os.fork()
if child == 0:
    LocalJudge().check("nudenet")
    print("judged", flush=True)
    sys.exit(0)
print("ended", os.waitpid(child, 0)[1])
"""
    assert child(code).splitlines()[1:] == ["judged", "ended 0"]


def test_results_come_in_order_and_do_not_depend_on_company() -> None:
    tensors = [np.full((3, 64, 64), value, np.float32) for value in (0.0, 0.5, 1.0)]
    together = model().infer(tensors)
    assert len(together) == 3 and model().infer([]) == []
    for tensor, outputs in zip(tensors, together, strict=True):
        assert np.array_equal(model().infer([tensor])[0][0], outputs[0])


def test_threads_share_one_session() -> None:
    assert runtime._session(model().path, (runtime.CPU,)) is runtime._session(model().path, (runtime.CPU,))


def test_a_missing_provider_is_named() -> None:
    with pytest.raises(ModelUnavailable, match=r"TensorrtExecutionProvider.*CPUExecutionProvider"):
        Model(model().path, ("TensorrtExecutionProvider", runtime.CPU)).infer([np.zeros((3, 64, 64), np.float32)])


def test_a_file_that_is_no_model_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(ModelUnavailable, match=r"broken\.onnx"):
        _ = Model(path).metadata
