"""Tasks for the sandbox that do what a decoder might when a file has taken it over."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import Any

from models.shared_file import write
from models.zygote import Answer

TASKS = (
    *("echo", "who", "abort", "segfault", "exit", "kill_myself", "raises", "takes_memory", "spins", "sleeps"),
    *("answers", "cuts_the_file", "tries", "dies_later"),
)


@dataclass(frozen=True)
class Said:
    data: bytes
    shape: tuple[int, ...]

    def write(self, file: int, at: int) -> None:
        write(file, self.data, at)


def echo(data: bytes, arguments: dict[str, Any]) -> Answer:
    return {"size": len(data), "said": arguments}, [Said(data, arguments["shape"])]


def who(data: bytes, arguments: dict[str, Any]) -> Answer:
    return {"pid": os.getpid()}, []


def abort(data: bytes, arguments: dict[str, Any]) -> Answer:
    os.abort()


def segfault(data: bytes, arguments: dict[str, Any]) -> Answer:
    ctypes.string_at(0)
    return {}, []


def exit(data: bytes, arguments: dict[str, Any]) -> Answer:
    os._exit(0)


def kill_myself(data: bytes, arguments: dict[str, Any]) -> Answer:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}, []


def raises(data: bytes, arguments: dict[str, Any]) -> Answer:
    raise RuntimeError("a fault of ours")


def takes_memory(data: bytes, arguments: dict[str, Any]) -> Answer:
    return {"took": len(bytearray(arguments["bytes"]))}, []


def dies_later(data: bytes, arguments: dict[str, Any]) -> Answer:
    """Answer well, and be broken for the next picture."""
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    return {}, []


def spins(data: bytes, arguments: dict[str, Any]) -> Answer:
    while True:
        pass


def sleeps(data: bytes, arguments: dict[str, Any]) -> Answer:
    while True:
        time.sleep(1)


def _inherited() -> tuple[socket.socket, int]:
    """Find the socket and the file that this child was given."""
    # Only what it holds already can be used.
    talk = file = None
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            kind = os.fstat(number).st_mode >> 12
            if kind == 0o14:
                talk = number
            elif kind == 0o10 and os.fstat(number).st_size:
                file = number
    assert talk is not None
    return socket.socket(fileno=talk), file if file is not None else -1


def answers(data: bytes, arguments: dict[str, Any]) -> Answer:
    """Answer by hand, past what frames it."""
    talk, _ = _inherited()
    body = arguments["body"].encode()
    head = len(body).to_bytes(4, "big") + arguments["size"].to_bytes(4, "big")
    for byte in head + body if arguments.get("drop") else ():
        talk.sendall(bytes([byte]))
        time.sleep(0.5)
    if not arguments.get("drop"):
        talk.sendall(head + body)
    time.sleep(60)
    return {}, []


def cuts_the_file(data: bytes, arguments: dict[str, Any]) -> Answer:
    """Promise as many bytes as there were, and take the file away."""
    talk, file = _inherited()
    os.ftruncate(file, 10)
    body = b'{"facts": {}, "shapes": [[100000]]}'
    talk.sendall(len(body).to_bytes(4, "big") + (100_000).to_bytes(4, "big") + body)
    time.sleep(60)
    return {}, []


def tries(data: bytes, arguments: dict[str, Any]) -> Answer:
    """Try something that decoding does not need."""
    try:
        done = _tried(arguments["what"], arguments["pid"])
    except Exception as error:
        return {"done": False, "why": repr(error)}, []
    return {"done": done}, []


def _tried(what: str, worker: int) -> bool:
    if what == "opens":
        with open("/etc/hostname"):  # noqa: PTH123
            return True
    if what == "connects":
        socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        return True
    if what == "signals":
        os.kill(worker, 0)
        return True
    if what == "starts":
        return subprocess.run(["/bin/true"], check=False).returncode == 0
    if what == "writes":
        number = os.memfd_create("more")
        os.write(number, b"more")
        os.close(number)
        return True
    if what == "dumps":
        return resource.getrlimit(resource.RLIMIT_CORE)[0] != 0
    return any("SECRET" in name for name in os.environ)
