"""What the operator sets once, for all shops: the app that was registered with Shopify."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ADMIN_ORIGIN = "https://{shop}"
"""Where a shop's Admin API is; everything else is a stand-in for tests."""


class Config(BaseSettings):
    """The operator's settings for Shopify. docs/operations.md lists each of them; a test compares."""

    model_config = SettingsConfigDict(env_prefix="PICWARD_SHOPIFY_", extra="ignore", frozen=True)

    client_id: str = Field("", description="Client ID of the Shopify app. Shopify is off while it is empty.")
    client_secret: str = Field("", repr=False, description="Client secret of the Shopify app; it signs every webhook and visit.")
    old_client_secret: str = Field(
        "", repr=False, description="The secret before, accepted too while it is rotated; empty it once Shopify revoked it."
    )
    api_version: str = Field(
        "2026-10",
        pattern="^20[0-9]{2}-(01|04|07|10)$",
        description="Version of Shopify's Admin API; each is supported for a year after it came out.",
    )
    subscribes: bool = Field(
        True,
        description="Picward subscribes each shop's webhooks itself. Switch it off where the deployed file of the app does.",
    )
    admin_origin: str = Field(
        ADMIN_ORIGIN,
        description="Where a shop's Admin API is reached. Change it for a stand-in only: then private addresses are allowed.",
    )
    cdn_hosts: str = Field("cdn.shopify.com", description="Hosts that pictures may be fetched from, separated by commas.")

    @property
    def version_ends(self) -> datetime:
        """When Shopify stops to support the version, a year after it came out: https://shopify.dev/docs/api/usage/versioning."""
        year, month = map(int, self.api_version.split("-"))
        return datetime(year + 1, month, 1, tzinfo=UTC)

    @property
    def complete(self) -> bool:
        return bool(self.client_id and self.client_secret)

    def without_app(self) -> Config:
        """Give the same settings as if no app was registered."""
        return self.model_copy(update={"client_id": "", "client_secret": "", "old_client_secret": ""})

    @property
    def secrets(self) -> tuple[str, ...]:
        """List the client secrets that are accepted, the newest first."""
        return tuple(secret for secret in (self.client_secret, self.old_client_secret) if secret)

    @property
    def private_network(self) -> bool:
        return self.admin_origin != ADMIN_ORIGIN

    def origin(self, shop: str) -> str:
        return self.admin_origin.replace("{shop}", shop)

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset(host.strip().lower() for host in self.cdn_hosts.split(",") if host.strip())

    def problem(self) -> str:
        """Explain what cannot work, or ""."""
        if bool(self.client_id) is not bool(self.client_secret):
            return "PICWARD_SHOPIFY_CLIENT_ID and PICWARD_SHOPIFY_CLIENT_SECRET must both be set, or neither."
        if "{shop}" not in self.admin_origin or not self.admin_origin.startswith(("https://", "http://")):
            return "PICWARD_SHOPIFY_ADMIN_ORIGIN must be a web address that holds {shop}."
        return ""
