"""A picture as the plugin describes it."""

from __future__ import annotations

import re

from app.domain.errors import DeliveryUnreadable
from app.domain.media import MediaRef
from app.domain.time import microseconds
from integrations.kit.untrusted import Untrusted

SHA256 = re.compile(r"[0-9a-f]{64}")
ATTACHMENT = re.compile(r"[1-9][0-9]{0,18}")


def read_media(item: Untrusted) -> MediaRef:
    """Read a `media` of the protocol. Raise `DeliveryUnreadable` for what names no attachment, version or parent."""
    sha256 = item.text("sha256", 64)
    if not SHA256.fullmatch(sha256):
        raise DeliveryUnreadable("The media's sha256 is not 64 lower-case hex digits.")
    context: dict[str, tuple[str, ...]] = {key: (item.label(key),) for key in ("mime", "title", "file", "created")}
    parent = ""
    if "parent" in item:
        post = item.object("parent")
        kind = post.text("type", 40)
        parent = f"{kind}:{attachment_id(post, 'id')}"
        context |= {"parent_type": (kind,), "parent_status": (post.label("status"),)}
    if "author" in item:
        author = item.object("author")
        # Author 0 is what imports and cron jobs upload as.
        context |= {"author": (author.identifier("id", 20),)}
        context["role"] = author.texts("roles", 50, 60)
    return MediaRef(
        id=attachment_id(item, "id"),
        version=sha256,
        source=item.label("url", 2_000),
        parent=parent,
        context={key: values for key, values in context.items() if any(values)},
        created_at=microseconds(item.label("created")),
    )


def attachment_id(body: Untrusted, key: str) -> str:
    id = body.identifier(key, 19)
    if not ATTACHMENT.fullmatch(id):
        raise DeliveryUnreadable(f"{key} is no id of WordPress.")
    return id
