"""Decoding of hostile bytes in processes that may do nothing else.

    worker (threads) --- control --- zygote --- forks --- children, one for each thread that decodes

A decoder in C that is led astray by a file dies there, or lies, and harms nobody. This is the worker's side; the other is
`models.zygote`. Bytes go in and arrays come out through a file in memory, a few facts as JSON through a socket. What comes back
is read as what a stranger says. A child that dies, hangs, takes too much or answers nonsense is killed and replaced, and its
picture is a review; one that dies and has opened pictures before may have been broken by those, so that a new one is asked.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any, TypeVar

import numpy as np

from app.domain.errors import SandboxFailed
from models.shared_file import SharedFile
from models.zygote import FRAME, Bytes, exactly

TASKS = {"picture": "models.decoder:decode"}
"""What may be run here, by name: `function(data, arguments)` gives facts (JSON) and arrays of bytes."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bound one child. Whatever is over ends it, and its picture goes to review."""

    memory_bytes: int = 1_000_000_000
    """Address space beyond what a child has when it starts: what a decode may take (512 MB), the file twice, its views."""

    cpu_seconds: int = 30
    """Processor time of one task; a decode gives up by itself after 10 s, where it can."""

    wall_seconds: float = 120.0
    """Time of one task, waiting for another's large decode and for a busy machine included."""

    answer_bytes: int = (95 + 6 + 1) * 512 * 512 * 4
    """Bytes of all arrays, each a square of the largest side: 95 looks, all six at the frame that passes the limit of 96, and
    one as earlier versions saw it."""

    facts_bytes: int = 65_536
    """Bytes of the JSON that comes with them."""

    arrays: int = 256
    """Arrays in one answer."""

    tasks: int = 500
    """Tasks after which a child is replaced: what one file broke does not last, and memory in pieces is given back."""


BOUNDS = Bounds()


_UNSTARTED = "The process that opens pictures could not be started."

Taken = TypeVar("Taken")


def copied(facts: dict[str, Any], arrays: Sequence[Bytes]) -> tuple[dict[str, Any], list[Bytes]]:
    return facts, [array.copy() for array in arrays]


class Sandbox:
    """Run tasks in children, as many at once as threads ask. Starts at the first task, and anew after a fork."""

    def __init__(self, bounds: Bounds = BOUNDS, tasks: Mapping[str, str] = TASKS) -> None:
        self._bounds, self._tasks = bounds, dict(tasks)
        self._lock = Lock()
        self._zygote: _Zygote | None = None
        self._free: list[_Child] = []

    def start(self) -> None:
        """Have the zygote import its decoders meanwhile; `run` does it otherwise. Raise `SandboxFailed` when it cannot start."""
        with self._startable(), self._lock:
            self._born()

    def close(self) -> None:
        """End the zygote and, with it, all children."""
        with self._lock:
            if self._zygote is not None:
                self._zygote.close()
            self._zygote = None
            self._forget()

    def run(
        self,
        task: str,
        data: bytes,
        arguments: Mapping[str, Any],
        take: Callable[[dict[str, Any], Sequence[Bytes]], Taken] = copied,  # type: ignore[assignment]
    ) -> Taken:
        """Run a task, and give what `take` makes of its answer. Raise `SandboxFailed` when the child does not answer properly.

        `take` gets arrays that the child may still write to: it copies each once, and looks at the copy. What it raises is the
        child's fault.
        """
        child = self._take()
        used = child.asked > 0
        try:
            answer = child.ask(task, data, arguments, take)
        except BaseException as error:
            child.end()
            if used and isinstance(error, ConnectionError):
                # An earlier picture may have broken it. A new child tells, which no other picture has seen.
                with self._lock:
                    self._forget()
                return self.run(task, data, arguments, take)
            if not isinstance(error, Exception):
                raise
            # Whatever reading an answer raises, the child did not give a proper one.
            raise SandboxFailed(_sentence(error)) from error
        if child.asked >= self._bounds.tasks:
            child.end()
        else:
            with self._lock:
                self._free.append(child)
        return answer

    def _take(self) -> _Child:
        with self._startable(), self._lock:
            zygote = self._born()
            while self._free:
                child = self._free.pop()
                if child.zygote is zygote:
                    return child
                child.close()
            return zygote.fork()

    @contextlib.contextmanager
    def _startable(self) -> Iterator[None]:
        """Turn what a machine without memory, processes or files raises into a failure, and try anew next time."""
        try:
            yield
        except (OSError, ValueError, MemoryError, subprocess.SubprocessError) as error:
            self.close()
            raise SandboxFailed(_UNSTARTED) from error

    def _born(self) -> _Zygote:
        if self._zygote is None or not self._zygote.alive:
            if self._zygote is not None and self._zygote.mine:
                self._zygote.close()
            self._zygote = _Zygote(self._bounds, self._tasks)
            self._forget()
        return self._zygote

    def _forget(self) -> None:
        """Let go of the children that are free; they end when nobody speaks with them any more."""
        while self._free:
            self._free.pop().close()


def _sentence(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "Opening the picture took too long and was stopped."
    if isinstance(error, MemoryError):
        return "There is not enough memory to open the picture."
    if isinstance(error, OSError):
        return "The process that opened the picture was ended by it."
    return "The process that opened the picture answered nonsense."


class _Zygote:
    """Speak with the process that children are forked from. Not for two threads at once."""

    def __init__(self, bounds: Bounds, tasks: Mapping[str, str]) -> None:
        self.bounds = bounds
        self._owner = os.getpid()
        self._lock = Lock()
        self._control, theirs = socket.socketpair()
        with contextlib.ExitStack() as opened, theirs:
            opened.enter_context(self._control)
            # No secret of the worker is in its surroundings.
            kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV") if name in os.environ}
            kept |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"}
            arguments = json.dumps([bounds.memory_bytes, bounds.cpu_seconds, bounds.answer_bytes, dict(tasks)])
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-m", "models.zygote", arguments],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=kept,
                start_new_session=True,
            )
            opened.pop_all()
        self._control.settimeout(bounds.wall_seconds)

    @property
    def mine(self) -> bool:
        return self._owner == os.getpid()

    @property
    def alive(self) -> bool:
        """Say whether it lives and was started by this very process, not by the one that it was forked from."""
        return self.mine and self._process.poll() is None

    def close(self) -> None:
        self._control.close()
        self._process.kill()
        self._process.wait()

    def fork(self) -> _Child:
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as opened, theirs:
            opened.enter_context(ours)
            file = SharedFile(self.bounds.answer_bytes)
            opened.callback(file.close)
            with self._lock:
                socket.send_fds(self._control, [b"fork....."], [theirs.fileno(), file.file])
                pid = int.from_bytes(exactly(self._control, 8), "big")
            if not pid:
                raise SandboxFailed(_UNSTARTED)
            opened.pop_all()
        return _Child(self, pid, ours, file)

    def kill(self, pid: int) -> None:
        """Kill and bury a child; its number is not used again before."""
        with self._lock, contextlib.suppress(OSError):
            self._control.sendall(b"k" + pid.to_bytes(8, "big"))
            exactly(self._control, 8)


@dataclass(slots=True)
class _Child:
    """Speak with one child. One thread has it at a time."""

    zygote: _Zygote
    pid: int
    talk: socket.socket
    file: SharedFile
    asked: int = 0

    def ask(
        self,
        task: str,
        data: bytes,
        arguments: Mapping[str, Any],
        take: Callable[[dict[str, Any], Sequence[Bytes]], Taken],
    ) -> Taken:
        """Hand over a task and take the answer. Raise `ValueError`, `OSError` and their like for one that is not right."""
        self.asked += 1
        bounds = self.zygote.bounds
        deadline = monotonic() + bounds.wall_seconds
        self.file.write(data)
        question = json.dumps({"task": task, "arguments": dict(arguments)}).encode()
        self.talk.settimeout(bounds.wall_seconds)
        self.talk.sendall(FRAME.pack(len(question), len(data)) + question)
        facts_size, size = FRAME.unpack(exactly(self.talk, FRAME.size, deadline))
        if facts_size > bounds.facts_bytes or size > bounds.answer_bytes:
            raise ValueError("the answer is too large")
        said = json.loads(exactly(self.talk, facts_size, deadline))
        if said.get("memory") is True:
            raise MemoryError
        facts, shapes = said["facts"], said["shapes"]
        if not isinstance(facts, dict) or not isinstance(shapes, list) or len(shapes) > bounds.arrays:
            raise ValueError("the answer has another form")
        taken = take(facts, _arrays(self.file.read(size), shapes))
        self.file.used(max(len(data), size))
        return taken

    def close(self) -> None:
        self.talk.close()
        self.file.close()

    def end(self) -> None:
        self.close()
        self.zygote.kill(self.pid)


def _arrays(data: memoryview, shapes: Sequence[Any]) -> list[Bytes]:
    """Divide what came back into arrays, without a copy."""
    arrays: list[Bytes] = []
    at = 0
    for shape in shapes:
        if not isinstance(shape, list) or not 1 <= len(shape) <= 4 or not all(type(side) is int and side > 0 for side in shape):
            raise ValueError("an array has no proper shape")
        count = 1
        for side in shape:
            count *= side
            if count > len(data) - at:
                raise ValueError("an array is larger than the answer")
        arrays.append(np.frombuffer(data[at : at + count], np.uint8).reshape(shape))
        at += count
    if at != len(data):
        raise ValueError("the answer has more than it says")
    return arrays
