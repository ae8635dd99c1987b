"""What the sandbox starts: the zygote, and the children that are forked from it.

The zygote is a fresh interpreter (`python -P -m models.zygote`) that has imported the decoders and never reads a file; a child
is forked from it in a few milliseconds, gives up what decoding does not need, and runs one task at a time. `models.sandbox` is
the other side of its sockets, and trusts nothing that comes from them.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import importlib
import json
import math
import mmap
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from struct import Struct
from threading import Lock
from time import monotonic
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.shared_file import memory_file

Bytes = NDArray[np.uint8]


class Written(Protocol):
    """Bytes that a task answers with, and that write themselves where they belong."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def write(self, file: int, at: int) -> None: ...


Answer = tuple[dict[str, Any], Sequence[Written]]
Task = Callable[[bytes, dict[str, Any]], Answer]

FRAME = Struct(">II")
"""What precedes a message: the bytes of JSON that follow it, and the bytes in the shared file."""


def exactly(talk: socket.socket, size: int, deadline: float | None = None) -> bytes:
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


def serve(memory_bytes: int, cpu_seconds: int, answer_bytes: int, tasks: Mapping[str, str]) -> None:
    """Be the zygote: fork and kill as the worker asks, and end when it is gone."""
    global _turnstile
    # The worker says when to stop: what a service manager sends to all must not end a picture that is under way.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    control = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    _turnstile = memory_file()
    functions = {name: function_of(where) for name, where in tasks.items()}
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


def function_of(where: str) -> Task:
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
    question_size, size = FRAME.unpack(exactly(talk, FRAME.size))
    question = json.loads(exactly(talk, question_size))
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + cpu_seconds, hard))
    arrays: Sequence[Written] = ()
    try:
        facts, arrays = functions[question["task"]](os.pread(file, size, 0), question["arguments"])
        said: dict[str, Any] = {"facts": facts, "shapes": [list(array.shape) for array in arrays]}
    except MemoryError:
        said, arrays = {"memory": True}, ()
    at = 0
    for array in arrays:
        array.write(file, at)
        at += math.prod(array.shape)
    body = json.dumps(said).encode()
    talk.sendall(FRAME.pack(len(body), at) + body)


if __name__ == "__main__":
    # The tasks' modules import this one by its name: what they share with it must be the same.
    from models import zygote

    zygote.serve(*json.loads(sys.argv[1]))
