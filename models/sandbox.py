"""Decoding of hostile bytes in processes that may do nothing else.

    worker (threads) --- control --- zygote --- forks --- children, one for each thread that decodes

A decoder in C that is led astray by a file dies here, or lies, and harms nobody. The zygote is a fresh interpreter
(`python -P -m models.sandbox`) that has imported the decoders and never reads a file; a child is forked from it in a few
milliseconds, limits itself, and runs one of the named tasks at a time: bytes in and arrays out through a file in memory, a
few facts as JSON through a socket. What comes back is parsed as what a stranger says. A child that dies, hangs, takes too
much or answers nonsense is killed and replaced, and its picture is a review.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import importlib
import json
import mmap
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from threading import Lock
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.errors import MediaUnreadable

Bytes = NDArray[np.uint8]
Answer = tuple[dict[str, Any], list[Bytes]]
Task = Callable[[bytes, dict[str, Any]], Answer]

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

    answer_bytes: int = 96 * 512 * 512 * 3
    """Bytes of all arrays: as many looks as there may be at a picture, each a square of the largest side."""

    facts_bytes: int = 65_536
    """Bytes of the JSON that comes with them."""

    arrays: int = 256
    """Arrays in one answer."""

    tasks: int = 500
    """Tasks after which a child is replaced: what one file broke does not last, and memory in pieces is given back."""


BOUNDS = Bounds()


class SandboxFailed(MediaUnreadable):
    """A child died, hung, or answered nonsense; the sentence is for the owner."""


_FRAME = Struct(">II")
"""What precedes a message: the bytes of JSON that follow it, and the bytes in the shared file."""

_KEPT_BYTES = 8_000_000
"""Bytes of shared memory that a child keeps between tasks."""


class Sandbox:
    """Run tasks in children, as many at once as threads ask. Starts at the first task, and anew after a fork."""

    def __init__(self, bounds: Bounds = BOUNDS, tasks: Mapping[str, str] = TASKS) -> None:
        self._bounds, self._tasks = bounds, dict(tasks)
        self._lock = Lock()
        self._zygote: _Zygote | None = None
        self._free: list[_Child] = []

    def start(self) -> None:
        """Have the zygote import its decoders meanwhile; `run` does it otherwise."""
        with self._lock:
            self._born()

    def close(self) -> None:
        """End the zygote and, with it, all children."""
        with self._lock:
            if self._zygote is not None:
                self._zygote.close()
            self._zygote, self._free = None, []

    def run(self, task: str, data: bytes, arguments: Mapping[str, Any]) -> Answer:
        """Run a task. Raise `SandboxFailed` when the child does not answer properly; the arrays are copies."""
        child = self._take()
        try:
            answer = child.ask(task, data, arguments)
        except BaseException as error:
            child.end()
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
        try:
            with self._lock:
                zygote = self._born()
                while self._free:
                    child = self._free.pop()
                    if child.zygote is zygote:
                        return child
                return zygote.fork()
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self.close()
            raise SandboxFailed("The process that opens pictures could not be started.") from error

    def _born(self) -> _Zygote:
        if self._zygote is None or not self._zygote.alive:
            if self._zygote is not None and self._zygote.mine:
                self._zygote.close()
            self._zygote, self._free = _Zygote(self._bounds, self._tasks), []
        return self._zygote


def _sentence(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "Opening the picture took too long and was stopped."
    if isinstance(error, MemoryError):
        return "There is not enough memory to open the picture."
    return "The process that opened the picture was ended by it."


class _Zygote:
    """Speak with the process that children are forked from. Not for two threads at once."""

    def __init__(self, bounds: Bounds, tasks: Mapping[str, str]) -> None:
        self.bounds = bounds
        self._owner = os.getpid()
        self._lock = Lock()
        ours, theirs = socket.socketpair()
        with theirs:
            self._control = ours
            # No secret of the worker is in its surroundings.
            kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV") if name in os.environ}
            kept |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"}
            arguments = json.dumps([bounds.memory_bytes, bounds.cpu_seconds, bounds.answer_bytes, dict(tasks)])
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-m", "models.sandbox", arguments],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=kept,
                start_new_session=True,
            )
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
        file = _memory_file()
        with theirs, self._lock:
            socket.send_fds(self._control, [b"fork....."], [theirs.fileno(), file])
            pid = int.from_bytes(_exactly(self._control, 8), "big")
        if not pid:
            raise OSError("the zygote could not fork")
        return _Child(self, pid, ours, file)

    def kill(self, pid: int) -> None:
        """Kill and bury a child; its number is not used again before."""
        with self._lock, contextlib.suppress(OSError):
            self._control.sendall(b"k" + pid.to_bytes(8, "big"))
            _exactly(self._control, 8)


@dataclass(slots=True)
class _Child:
    """Speak with one child. One thread has it at a time."""

    zygote: _Zygote
    pid: int
    talk: socket.socket
    file: int
    asked: int = 0

    def ask(self, task: str, data: bytes, arguments: Mapping[str, Any]) -> Answer:
        """Hand over a task and read the answer. Raise `ValueError`, `OSError` and their like for one that is not right."""
        self.asked += 1
        bounds = self.zygote.bounds
        deadline = monotonic() + bounds.wall_seconds
        _write(self.file, data)
        question = json.dumps({"task": task, "arguments": dict(arguments)}).encode()
        self.talk.settimeout(bounds.wall_seconds)
        self.talk.sendall(_FRAME.pack(len(question), len(data)) + question)
        facts_size, size = _FRAME.unpack(_exactly(self.talk, _FRAME.size, deadline))
        if facts_size > bounds.facts_bytes or size > bounds.answer_bytes:
            raise ValueError("the answer is too large")
        said = json.loads(_exactly(self.talk, facts_size, deadline))
        if said.get("memory") is True:
            raise MemoryError
        facts, shapes = said["facts"], said["shapes"]
        if not isinstance(facts, dict) or not isinstance(shapes, list) or len(shapes) > bounds.arrays:
            raise ValueError("the answer has another form")
        arrays = _arrays(self.file, shapes, size)
        if max(len(data), size) > _KEPT_BYTES:
            os.ftruncate(self.file, 0)
        return facts, arrays

    def end(self) -> None:
        self.talk.close()
        os.close(self.file)
        self.zygote.kill(self.pid)


def _arrays(file: int, shapes: Sequence[Any], size: int) -> list[Bytes]:
    """Copy arrays out of a file that somebody may change meanwhile: what is read is bytes, whatever they are."""
    arrays: list[Bytes] = []
    at = 0
    for shape in shapes:
        if not isinstance(shape, list) or not 1 <= len(shape) <= 4 or not all(type(side) is int and side > 0 for side in shape):
            raise ValueError("an array has no proper shape")
        count = 1
        for side in shape:
            count *= side
            if count > size - at:
                raise ValueError("an array is larger than the answer")
        array = np.empty(count, np.uint8)
        # Not mapped: a file that was cut short under a mapping ends the process that reads it.
        if os.preadv(file, [array.data], at) != count:
            raise ValueError("the answer was cut short")
        arrays.append(array.reshape(shape))
        at += count
    if at != size:
        raise ValueError("the answer has more than it says")
    return arrays


def _memory_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("picture", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _write(file: int, data: bytes, at: int = 0) -> None:
    rest = memoryview(data)
    while rest:
        done = os.pwrite(file, rest, at)
        rest, at = rest[done:], at + done


def _exactly(talk: socket.socket, size: int, deadline: float | None = None) -> bytes:
    parts, left = [], size
    while left:
        if deadline is not None:
            talk.settimeout(max(0.001, deadline - monotonic()))
        part = talk.recv(min(left, 65_536))
        if not part:
            raise ConnectionError("the other side is gone")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


# In a child ------------------------------------------------------------------------------------------------------------

_NOBODY = 65_534
"""The user and group that a child of root becomes; they own nothing."""

_turnstile: int | None = None
_here = Lock()


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait until no other child of this zygote (outside of one: no other thread) is within, as large decodes do."""
    if _turnstile is None:
        with _here:
            yield
        return
    # The kernel opens it again when a process that is within dies.
    fcntl.lockf(_turnstile, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.lockf(_turnstile, fcntl.LOCK_UN)


def _serve_forks(memory_bytes: int, cpu_seconds: int, answer_bytes: int, tasks: Mapping[str, str]) -> None:
    """Be the zygote: fork and kill as the worker asks, and end when it is gone."""
    global _turnstile
    # The worker says when to stop: what a service manager sends to all must not end a picture that is under way.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    control = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    _turnstile = _memory_file()
    functions = {name: _function(where) for name, where in tasks.items()}
    children: set[int] = set()
    while True:
        message, fds, _, _ = socket.recv_fds(control, 9, 2)
        if len(message) < 9:
            break
        if message[:1] == b"k":
            pid = int.from_bytes(message[1:], "big")
            if pid in children:
                children.discard(pid)
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            control.sendall(bytes(8))
            continue
        try:
            pid = os.fork()
        except OSError:
            pid = 0
            control.sendall(bytes(8))
        else:
            if pid == 0:
                control.close()
                _be_child(fds[0], fds[1], memory_bytes, cpu_seconds, answer_bytes, functions)
            children.add(pid)
            control.sendall(pid.to_bytes(8, "big"))
        for fd in fds:
            os.close(fd)
    for pid in children:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _function(where: str) -> Task:
    """Find a task, and have its module import all that it may need, since a child opens no file."""
    name, _, function = where.partition(":")
    module = importlib.import_module(name)
    found: Task = getattr(module, function)
    if hasattr(module, "warm"):
        module.warm()
    return found


def _be_child(
    talk_fd: int, file: int, memory_bytes: int, cpu_seconds: int, answer_bytes: int, functions: Mapping[str, Task]
) -> None:
    """Answer until the worker is gone. Never returns."""
    code = 1
    try:
        talk = socket.socket(fileno=talk_fd)
        _confine(memory_bytes, answer_bytes)
        while True:
            _answer(talk, file, cpu_seconds, functions)
    except ConnectionError:
        code = 0
    finally:
        os._exit(code)


def _confine(memory_bytes: int, answer_bytes: int) -> None:
    """Give up what decoding does not need: more memory, any other file or socket, rights, a dump of the picture.

    Processes are not counted: the kernel counts threads with them, and the decoder of HEIC starts one.
    """
    if os.geteuid() == 0:
        # It can neither trace nor signal the worker, nor write what root may.
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: with the zygote
        libc.prctl(4, 0)  # PR_SET_DUMPABLE: its memory is nobody's, and it traces nobody
        libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _limit(resource.RLIMIT_AS, pages * mmap.PAGESIZE + memory_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, answer_bytes)
    # Nothing can be opened and no socket made. Last, since what stands above reads a file.
    _limit(resource.RLIMIT_NOFILE, 0)


def _limit(what: int, most: int) -> None:
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(what, (most, most))


def _answer(talk: socket.socket, file: int, cpu_seconds: int, functions: Mapping[str, Task]) -> None:
    question_size, size = _FRAME.unpack(_exactly(talk, _FRAME.size))
    question = json.loads(_exactly(talk, question_size))
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + cpu_seconds, hard))
    arrays: list[Bytes] = []
    try:
        facts, arrays = functions[question["task"]](os.pread(file, size, 0), question["arguments"])
        said: dict[str, Any] = {"facts": facts, "shapes": [list(array.shape) for array in arrays]}
    except MemoryError:
        said, arrays = {"memory": True}, []
    at = 0
    for array in arrays:
        _write(file, array.tobytes(), at)
        at += array.size
    body = json.dumps(said).encode()
    talk.sendall(_FRAME.pack(len(body), at) + body)


if __name__ == "__main__":
    # The tasks' modules import this one by its name: what they share with it must be the same.
    from models import sandbox

    sandbox._serve_forks(*json.loads(sys.argv[1]))
