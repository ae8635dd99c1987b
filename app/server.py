"""The web process group: gunicorn, told its application as an object and never by a name."""

from __future__ import annotations

import gc
from typing import Any

from gunicorn.app.base import BaseApplication

from app.config import Config

GRACEFUL_SECONDS = 20
"""How long a request may still run after a stop was asked for."""

KEEPALIVE_SECONDS = 5


class Server(BaseApplication):
    """Serve the application with gthread workers.

    The application is made before the fork, so that its memory is shared; it opens no database connection and loads no
    model until a request comes. max_requests stays off: with gthread it resets connections (gunicorn issue 3038).
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        super().__init__()

    def load_config(self) -> None:
        settings: dict[str, Any] = {
            "bind": f"{self._config.host}:{self._config.port}",
            "worker_class": "gthread",
            "workers": self._config.web_processes,
            "threads": self._config.web_threads,
            "graceful_timeout": GRACEFUL_SECONDS,
            "keepalive": KEEPALIVE_SECONDS,
            "preload_app": True,
            # gunicorn tells of each start of each process at INFO; the supervisor says what an operator wants to know.
            "loglevel": "warning" if self._config.log_level == "INFO" else self._config.log_level.lower(),
            "limit_request_line": 4094,
            "proc_name": "picward web",
            "control_socket_disable": True,
        }
        for name, value in settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        from app.factory import create_app

        application = create_app(self._config)
        gc.freeze()  # collected objects would be copied page by page in every worker
        return application
