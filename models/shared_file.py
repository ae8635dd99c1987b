"""A file in memory through which a worker and one child of the sandbox hand bytes to each other."""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import tempfile

KEPT_BYTES = 8_000_000
"""Bytes that stay allocated between tasks; what a larger picture took is given back."""


def memory_file() -> int:
    """Make a file without a name. Where the system can, nobody who holds it can make it shorter."""
    if not hasattr(os, "memfd_create"):
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())
    made = os.memfd_create("picture", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with contextlib.suppress(OSError):
        fcntl.fcntl(made, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
    return made


def write(file: int, data: bytes | memoryview, at: int = 0) -> None:
    rest = memoryview(data)
    while rest:
        done = os.pwrite(file, rest, at)
        rest, at = rest[done:], at + done


class SharedFile:
    """The worker's end. The child may write at any time, so what is read here may change until it was copied."""

    def __init__(self, most_bytes: int) -> None:
        """Make one for answers of at most so many bytes; what a worker asks with may be longer."""
        self.file = memory_file()
        try:
            os.ftruncate(self.file, most_bytes)
            self._mapped = mmap.mmap(self.file, most_bytes) if _sealed(self.file) else None
        except BaseException:
            os.close(self.file)
            raise

    def write(self, data: bytes) -> None:
        write(self.file, data)

    def read(self, size: int) -> memoryview:
        """Give the first `size` bytes. Raise `ValueError` when there are fewer."""
        if self._mapped is not None:
            return memoryview(self._mapped)[:size]
        # A file that is cut short under a mapping ends whoever reads there.
        data = os.pread(self.file, size, 0)
        if len(data) != size:
            raise ValueError("the answer was cut short")
        return memoryview(data)

    def used(self, size: int) -> None:
        """Give memory back after a task that took `size` bytes, where that is more than is kept."""
        if size <= KEPT_BYTES:
            return
        if self._mapped is not None:
            # Some kernels can seal and map, but not give back; a child ends after so many tasks in any case.
            with contextlib.suppress(OSError):
                self._mapped.madvise(mmap.MADV_REMOVE)
        else:
            os.ftruncate(self.file, 0)

    def close(self) -> None:
        # The mapping goes with the last view of it.
        self._mapped = None
        os.close(self.file)


def _sealed(file: int) -> bool:
    try:
        return bool(fcntl.fcntl(file, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SHRINK)
    except (AttributeError, OSError):
        return False
