"""Our pages inside a shop's admin: who may frame them, and how a visit without a good session token gets one."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from app.domain.events import Delivery
from app.domain.platform import Doorstep, Frame
from app.domain.time import SECOND
from integrations.shopify.auth import RENEWED, is_shop

PAGES = Path(__file__).parent / "pages"

ADMIN = "https://admin.shopify.com"

SCRIPTS = ("https://cdn.shopify.com",)
"""Where App Bridge and Polaris come from; both must be loaded from there: https://shopify.dev/docs/api/app-home."""

RETRY_HEADER = "X-Shopify-Retry-Invalid-Session-Request"
"""Has App Bridge send a refused fetch again with a fresh session token."""

RENEW = "renew"
"""The last part of the address of the page that only loads App Bridge."""

_RELOAD = "shopify-reload"
"""Names the address that App Bridge goes to with a fresh token: https://shopify.dev/docs/apps/build/authentication-authorization."""

_LONGEST = 4_000


def frame(shop: str, client_id: str) -> Frame:
    """Allow one shop's admin to frame the pages, and no other's; `shop` must have been proven or checked for its form."""
    ancestors = (f"https://{shop}", ADMIN) if shop else (ADMIN,)
    return Frame(PAGES, ancestors, SCRIPTS, {"client_id": client_id})


def doorstep(visit: Delivery, client_id: str) -> Doorstep | None:
    """Send a document's request through the page that loads App Bridge, which comes back with a fresh token.

    None when the address names something that is no shop, or would lead App Bridge, and the token, away from our pages.
    """
    if len(visit.path) > _LONGEST:
        return None
    try:
        address = urlsplit(visit.path)
        asked = parse_qs(address.query, keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return None
    shops = asked.get("shop", [""])
    if len(shops) != 1 or (shops[0] and not is_shop(shops[0])):
        return None
    framed = frame(shops[0], client_id)
    home = "/".join(address.path.split("/")[:3])
    if address.path == f"{home}/{RENEW}":
        back = asked.get(_RELOAD, [""])
        return Doorstep(framed) if len(back) == 1 and _leads_back(back[0], home) else None
    ours = ("id_token=", f"{_RELOAD}=", f"{RENEWED}=")
    kept = "&".join(part for part in address.query.split("&") if part and not part.startswith(ours))
    reload = quote(f"{address.path}?{kept}{'&' if kept else ''}{RENEWED}={visit.received_at // SECOND}", safe="")
    return Doorstep(framed, f"{home}/{RENEW}?{kept}{'&' if kept else ''}{_RELOAD}={reload}")


def _leads_back(back: str, home: str) -> bool:
    path = back.partition("?")[0]
    plain = back.isascii() and back.isprintable() and "\\" not in back and ".." not in path
    return plain and (path == home or path.startswith(f"{home}/")) and not path.endswith(f"/{RENEW}")
