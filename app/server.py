"""The web process group: gunicorn, told its application as an object and never by a name."""

from __future__ import annotations

import gc
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from app import arrivals
from app.adapters.log import Lines
from app.config import Config
from app.domain.limits import FORM_BYTES

GRACEFUL_SECONDS = 20
"""How long a request may still run after a stop was asked for."""

KEEPALIVE_SECONDS = 5


class _Log(Logger):
    """Write gunicorn's own lines as all others: it quotes the addresses of requests that it cannot read, or that failed."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            handler.setFormatter(Lines())


class Server(BaseApplication):
    """Serve the application with threads that meet whole requests only.

    The application is made before the fork, so that its memory is shared; it opens no database connection and loads no
    model until a request comes. max_requests stays off: with gthread it resets connections (gunicorn issue 3038).
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        super().__init__()

    def load_config(self) -> None:
        settings: dict[str, Any] = {
            "bind": f"{self._config.host}:{self._config.port}",
            "worker_class": arrivals.Worker,
            "workers": self._config.web_processes,
            "threads": self._config.web_threads,
            "graceful_timeout": GRACEFUL_SECONDS,
            "keepalive": KEEPALIVE_SECONDS,
            "preload_app": True,
            # gunicorn tells of each start of each process at INFO; the supervisor says what an operator wants to know.
            "loglevel": "warning" if self._config.log_level == "INFO" else self._config.log_level.lower(),
            "logger_class": _Log,
            "limit_request_line": 4094,
            "proc_name": "picward web",
            "control_socket_disable": True,
        }
        for name, value in settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    @property
    def behind_proxies(self) -> bool:
        """Tell whether connections come from proxies of the operator, and their addresses say nothing."""
        return self._config.proxies > 0

    @property
    def largest_body(self) -> int:
        """Give the bytes of the largest body that any page takes: a picture that somebody tries, with its form."""
        return max(self._config.max_body_bytes, self._config.max_image_bytes + FORM_BYTES)

    def load(self) -> Any:
        from app.factory import create_app

        application = create_app(self._config)
        gc.freeze()  # collected objects would be copied page by page in every worker
        return application
