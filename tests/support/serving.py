"""An HTTP server for stand-ins whose clients may be killed at any moment."""

from __future__ import annotations

from http.server import ThreadingHTTPServer

ACCEPT_SECONDS = 1.0
"""How long an accept waits for a client that was announced and is gone; without a bound it waits for the next one, for ever."""


class StandInServer(ThreadingHTTPServer):
    daemon_threads = True

    def server_activate(self) -> None:
        super().server_activate()
        self.socket.settimeout(ACCEPT_SECONDS)
