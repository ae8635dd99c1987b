"""A PostgreSQL for tests: made in a directory of its own, reached through a socket there alone, gone afterwards.

`python -m tests.support.postgresql COMMAND …` runs a command with PICWARD_TEST_DATABASE_URL naming it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.instance import wait_for

NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200", "listen_addresses=")
"""What makes a server quick that need not survive anything, and have no door to the network."""


def binaries() -> Path | None:
    """Find the newest server's programs; Debian keeps them out of the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    beside = shutil.which("initdb")
    return found[-1].parent if found else Path(beside).resolve().parent if beside else None


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Start a server and give the address of its database. Raise `RuntimeError` where none is installed."""
    programs = binaries()
    if programs is None:
        raise RuntimeError("PostgreSQL is not installed; sh tests/support/install.sh installs it on Debian and Ubuntu")
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if user:
            shutil.chown(folder, user)
        data, log = folder / "data", folder / "log"
        initdb = [
            programs / "initdb",
            "--pgdata",
            data,
            "--auth=trust",
            "--username=picward",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ]
        subprocess.run([*initdb, "--no-sync"], user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        settings = [word for setting in NOT_DURABLE for word in ("-c", setting)]
        with log.open("wb") as said:
            command = [programs / "postgres", "-D", data, "-k", folder, *settings]
            process = subprocess.Popen(command, user=user, cwd=folder, stdout=said, stderr=said)
        try:
            ready = [programs / "pg_isready", "--quiet", "--host", folder]
            wait_for(lambda: subprocess.run(ready, check=False).returncode == 0, "PostgreSQL to be ready", 30, log)
            yield f"postgresql+psycopg://picward@/postgres?host={folder}"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def main() -> None:
    with server() as url:
        done = subprocess.run(sys.argv[1:], env={**os.environ, "PICWARD_TEST_DATABASE_URL": url}, check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
