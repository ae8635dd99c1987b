"""What Shopify's servers mean by answers other than success."""

from __future__ import annotations

from app.domain.errors import CredentialsExpired, PicwardError, PlatformClosed, PlatformThrottled, PlatformUnavailable
from app.domain.time import HOUR, SECOND
from integrations.kit.answers import RETRY_AFTER_SECONDS, Answer

CLOSED_SECONDS = HOUR / SECOND
"""How long to leave a shop alone that is frozen or locked: only its merchant or Shopify can end that, in hours or days."""

MISSING_SECONDS = 300.0
"""How long to wait when an address is unknown: a shop that moves or a service that is being changed over."""


def explain(answer: Answer) -> PicwardError | None:
    """Translate a status. https://shopify.dev/docs/api/usage/response-codes"""
    if answer.status == 402:
        return PlatformClosed("The shop is frozen until its bill at Shopify is paid.", CLOSED_SECONDS)
    if answer.status == 423:
        return PlatformClosed("Shopify has locked the shop; its merchant must ask Shopify's support.", CLOSED_SECONDS)
    if answer.status in (404, 430):
        return PlatformUnavailable(f"{answer.host} does not answer for this shop now ({answer.status}).", MISSING_SECONDS)
    if answer.status == 401:
        return CredentialsExpired("Shopify no longer accepts the shop's token.")
    if answer.status == 403:
        return PlatformClosed("Shopify forbids the app to use this shop's data (403).")
    if answer.status == 429:
        return PlatformThrottled(f"{answer.host} asked us to come back later (429).", asked_seconds(answer))
    if answer.status >= 500:
        return PlatformUnavailable(f"{answer.host} asked us to come back later ({answer.status}).", asked_seconds(answer))
    return None


def asked_seconds(answer: Answer) -> float | None:
    """Read Retry-After, which Shopify writes as “2.0”; RFC 9110 knows whole seconds only."""
    try:
        seconds = float(answer.headers.get("retry-after", "")[:20])
    except ValueError:
        return None
    return min(max(seconds, 0.0), RETRY_AFTER_SECONDS) if seconds == seconds else None
