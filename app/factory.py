"""The wiring: the one place, with cli.py, that knows everyone."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from app.config import Config
from app.db.engine import Database
from app.dispatch import hints
from app.domain.detector import Judge
from app.services.core import Core, Limits
from app.services.vault import KeyVault, key_from_file
from integrations.registry import platforms

if TYPE_CHECKING:
    from flask import Flask


def utc_now() -> int:
    """Read the clock: UTC in integer microseconds. Everything else gets the time as an argument."""
    return time.time_ns() // 1000


def judge_from(weights: Path, max_image_bytes: int) -> Callable[[], Judge]:
    """Make the function that gives this process's judge: made at the first call, so only in processes that judge."""

    @cache
    def judge() -> Judge:
        from models.judge import LocalJudge
        from models.limits import ImageLimits

        return LocalJudge(weights, limits=ImageLimits(max_image_bytes=max_image_bytes))

    return judge


def start_logging(config: Config) -> None:
    logging.basicConfig(
        level=config.log_level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"
    )


def make_core(config: Config) -> Core:
    """Connect the use cases with the database, the platforms and the models that this configuration names."""
    config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = bytes.fromhex(config.secret_key) if config.secret_key else key_from_file(config.data_dir / "vault.key")
    return Core(
        db=Database(config.database),
        vault=KeyVault(key),
        platforms=platforms(),
        judge=judge_from(config.data_dir / "weights", config.max_image_bytes),
        now=utc_now,
        wake=hints.sender(config.data_dir),
        limits=Limits(
            lease_seconds=config.lease_seconds,
            max_image_bytes=config.max_image_bytes,
            delivery_days=config.delivery_days,
            enforce_hours=config.enforce_hours,
            fetch_hours=config.fetch_hours,
        ),
        public_url=config.address,
    )


def create_app(config: Config | None = None, core: Core | None = None) -> Flask:
    """Make the WSGI application."""
    from app.web.application import make_application

    config = config or Config()
    return make_application(core or make_core(config), max_body_bytes=config.max_body_bytes, proxies=config.proxies)
