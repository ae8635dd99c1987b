"""ONNX sessions: the only place that imports onnxruntime, and not before a model runs.

Fixed here because each was measured: one thread within a run and as many runs as cores (several threads sharing one
session beat one run on several threads), no spinning, all graph optimisations, no session made before a fork.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.errors import ModelUnavailable

# Wheels of onnxruntime from 1.29 on report to Microsoft, and their thread makes a fork hang, unless this is set before
# the import. A self-hosted moderator phones nobody.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

CPU = "CPUExecutionProvider"

Tensor = NDArray[np.float32]

_sessions: dict[tuple[int, Path, tuple[str, ...]], Any] = {}
_lock = Lock()


def _renew_lock() -> None:
    """Replace the lock in a forked child: another thread of the parent may have held it."""
    global _lock
    _lock = Lock()


os.register_at_fork(after_in_child=_renew_lock)


@dataclass(frozen=True, slots=True)
class Model:
    """One ONNX file that takes a batch of float32 tensors. Threads share it; processes do not."""

    path: Path
    providers: tuple[str, ...] = (CPU,)

    @property
    def metadata(self) -> Mapping[str, str]:
        """Read what the file says about itself. Raise `ModelUnavailable` when it cannot be loaded."""
        metadata: Mapping[str, str] = _session(self.path, self.providers).get_modelmeta().custom_metadata_map
        return metadata

    def infer(self, tensors: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
        """Run the model on each tensor and return the outputs in order. Tensors have one shape and no batch axis."""
        session = _session(self.path, self.providers)
        name = session.get_inputs()[0].name
        # On a CPU a batch saves no time and its memory is kept for ever; on a GPU it is what makes it fast.
        step = 1 if self.providers == (CPU,) else 16
        results: list[tuple[Tensor, ...]] = []
        for start in range(0, len(tensors), step):
            batch = tensors[start][None] if step == 1 else np.stack(tensors[start : start + step])
            outputs = session.run(None, {name: batch})
            results.extend(zip(*outputs, strict=True))
        return results


def _session(path: Path, providers: tuple[str, ...]) -> Any:
    key = (os.getpid(), path, providers)
    session = _sessions.get(key)
    if session is None:
        with _lock:
            session = _sessions.get(key)
            if session is None:
                session = _sessions[key] = _open(path, providers)
    return session


def _open(path: Path, providers: tuple[str, ...]) -> Any:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelUnavailable(f"onnxruntime cannot be imported: {error}.") from error
    available = onnxruntime.get_available_providers()
    missing = [provider for provider in providers if provider not in available]
    if missing:
        raise ModelUnavailable(
            f"onnxruntime has no {' or '.join(missing)} here; it has {', '.join(available)}. "
            "Install the wheel that brings it, or take it out of the list of providers."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path, options, providers=list(providers))
    except Exception as error:
        # onnxruntime's own exceptions share no base class but Exception.
        raise ModelUnavailable(f"The model {path.name} cannot be loaded: {error}") from error
