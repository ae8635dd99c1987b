"""The wiring: the one place, with cli.py, that knows everyone."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from app.adapters.mail import SmtpMail
from app.adapters.picture_by_address import fetch_url
from app.adapters.signed_webhook import call_webhook
from app.adapters.vault import KeyVault, key_from_file
from app.config import Config
from app.db import migrate
from app.db.engine import Database
from app.dispatch import hints
from app.domain.detector import Judge
from app.domain.errors import SettingsInvalid, VaultKeyWrong
from app.domain.media import Region
from app.domain.platform import Platform, Surroundings
from app.services.core import Core, Limits
from app.services.sites.credentials import Keeper
from app.services.sites.verification import Published
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
        from app.domain.limits import ImageLimits
        from models.judge import LocalJudge

        return LocalJudge(weights, limits=ImageLimits(max_image_bytes=max_image_bytes))

    return judge


def blurred_from(judge: Callable[[], Judge]) -> Callable[[bytes], bytes]:
    """Make the function that blurs a picture for whoever may not show it, within the judge's limits."""

    def blurred(data: bytes) -> bytes:
        shown = judge().judge(data, ()).preview(())
        return shown[1] if shown is not None else b""

    return blurred


def crop_preview(preview: bytes, region: Region) -> bytes:
    """Cut the part that scored out of a preview; see `app.services.core.Core`."""
    from models.preview import crop  # Pillow is loaded where somebody asks for a part, and only there

    return crop(preview, region)


def mail_from(config: Config) -> SmtpMail | None:
    """Make what sends e-mail; None where the operator named no server."""
    if not config.smtp_host:
        return None
    return SmtpMail(
        config.smtp_host, config.smtp_port, config.smtp_security, config.sender, config.smtp_user, config.smtp_password
    )


def make_platform(platform: type[Platform], surroundings: Surroundings) -> Platform:
    """Make a platform with the operator's settings of it. Raise `SettingsInvalid` that names what is wrong with them."""
    try:
        return platform(platform.Config() if platform.Config else None, surroundings)
    except ValidationError as error:
        raise SettingsInvalid.of_environment(error, f"PICWARD_{platform.slug}_") from None
    except ValueError as error:
        raise SettingsInvalid(str(error)) from None


def _kept_key(path: Path, db: Database) -> bytes:
    """Read the vault's key, made at the first start. Raise `VaultKeyWrong` where it is lost: another one opens nothing."""
    if not path.exists() and migrate.current(db):
        raise VaultKeyWrong(
            f"{path} is missing, and the database was written with it. Put it back from the backup. If it is lost for good, set "
            "PICWARD_SECRET_KEY to a new one (openssl rand -hex 32), and connect each site again."
        )
    return key_from_file(path)


def make_core(config: Config) -> Core:
    """Connect the use cases with the database, the platforms and the models that this configuration names."""
    config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    db = Database(config.database)
    vault = KeyVault(bytes.fromhex(config.secret_key) if config.secret_key else _kept_key(config.data_dir / "vault.key", db))
    credentials = Keeper(db, vault, utc_now)
    judge = judge_from(config.data_dir / "weights", config.max_image_bytes)
    surroundings = Surroundings(config.address, credentials, config.max_image_bytes, blurred_from(judge), Published(db))
    return Core(
        db=db,
        vault=vault,
        credentials=credentials,
        platforms={slug: make_platform(found, surroundings) for slug, found in platforms().items()},
        judge=judge,
        now=utc_now,
        wake=hints.sender(config.data_dir),
        limits=Limits(
            lease_seconds=config.lease_seconds,
            max_image_bytes=config.max_image_bytes,
            delivery_days=config.delivery_days,
            enforce_hours=config.enforce_hours,
            fetch_hours=config.fetch_hours,
            idle_hours=config.idle_hours,
        ),
        public_url=config.address,
        send_mail=mail_from(config),
        call_webhook=call_webhook,
        crop_preview=crop_preview,
        fetch_url=lambda url: fetch_url(url, config.max_image_bytes),
    )


def create_app(config: Config | None = None, core: Core | None = None) -> Flask:
    """Make the WSGI application."""
    from app.web.application import make_application

    config = config or Config()
    return make_application(core or make_core(config), max_body_bytes=config.max_body_bytes, proxies=config.proxies)
