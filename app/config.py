"""The operator's settings: environment variables named PICWARD_…, declared once with title, unit, default and reason."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.domain.limits import MAX_IMAGE_BYTES


class Config(BaseSettings):
    """The operator's settings. docs/operations.md lists each of them; a test compares."""

    model_config = SettingsConfigDict(env_prefix="PICWARD_", extra="ignore", frozen=True)

    data_dir: Path = Field(Path("var"), description="Where the database, the key file and pulled weights are kept.")
    host: str = Field("127.0.0.1", description="Address to listen on. Put a TLS proxy in front before opening it to others.")
    port: int = Field(8080, ge=1, le=65_535, description="Port to listen on.")
    public_url: str = Field("", description="Address under which sites and people reach Picward; http://host:port when empty.")
    proxies: int = Field(0, ge=0, le=5, description="How many trusted proxies in front set X-Forwarded-For, -Proto and -Host.")
    database_url: str = Field(
        "", description="SQLAlchemy address of a PostgreSQL database; a SQLite file in data_dir when empty."
    )
    secret_key: str = Field(
        "",
        repr=False,
        pattern="^([0-9a-f]{64})?$",
        description="64 hex digits that encrypt stored secrets and previews; data_dir/vault.key when empty.",
    )
    workers: int = Field(
        1, ge=1, le=32, description="Worker processes. One uses all cores; each holds its own copy of the models."
    )
    judge_threads: int = Field(
        0, ge=0, le=64, description="Pictures judged at a time per worker; cores + 1 when 0, so that a fetch leaves no core idle."
    )
    web_processes: int = Field(2, ge=1, le=32, description="Web processes; each takes web_threads requests at a time.")
    web_threads: int = Field(
        64, ge=1, le=256, description="Threads per web process: requests that are answered at a time; slow clients hold none."
    )
    lease_seconds: int = Field(
        180, ge=2, le=3600, description="Seconds after which a silent worker's item is given to another; over the longest fetch."
    )
    max_body_bytes: int = Field(
        1_000_000, ge=10_000, description="Bytes of one webhook; platforms send a few kB, a parsed body costs ten times its size."
    )
    max_image_bytes: int = Field(
        MAX_IMAGE_BYTES,
        ge=100_000,
        le=MAX_IMAGE_BYTES,
        description="Bytes of one picture, at most 20 MB: a 48-megapixel photo has 10 to 15 MB. Larger ones go to review.",
    )
    delivery_days: int = Field(
        30,
        ge=1,
        description="Days that the text of deliveries is kept, so that they can be read again; their ids are kept for ever.",
    )
    enforce_hours: int = Field(48, ge=1, description="Hours that an action is retried at a platform that does not answer.")
    fetch_hours: int = Field(24, ge=1, description="Hours that fetching a picture is retried before a person is asked.")
    idle_hours: int = Field(
        12,
        ge=1,
        le=336,
        description="Hours without a click after which people sign in again: a working day with its breaks, and no night.",
    )
    smtp_host: str = Field("", description="Mail server for messages to owners; no e-mail is sent when empty.")
    smtp_port: int = Field(587, ge=1, le=65_535, description="Its port: 587 for starttls, 465 for tls, 25 for none.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="starttls, tls or none; none only for a server on this machine or in your own network."
    )
    smtp_user: str = Field("", description="Name to sign in with at the mail server; no sign-in when empty.")
    smtp_password: str = Field("", repr=False, description="Password for that.")
    smtp_from: str = Field("", description="Address that messages come from; picward@ and the host of public_url when empty.")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG, INFO, WARNING or ERROR.")

    @property
    def address(self) -> str:
        """Return the address that people and sites are told."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def sender(self) -> str:
        """Return the address that e-mail comes from."""
        return self.smtp_from or f"picward@{urlsplit(self.address).hostname}"

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'picward.db'}"

    @property
    def threads(self) -> int:
        return self.judge_threads or (os.cpu_count() or 1) + 1
