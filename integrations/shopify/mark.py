"""What we keep at the product itself: one metafield that only this app can write, with the state before it was hidden.

It is written in the mutation that hides, so that a process which dies right after it still finds the true state before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.domain.decisions import Enforcement
from app.domain.errors import DeliveryUnreadable
from integrations.kit.untrusted import read_json
from integrations.shopify.media import image_gid

NAMESPACE, KEY = "$app:moderation", "decision"
"""`$app` is a namespace that Shopify reserves for the app. The documents in `documents/` name both, too."""

VERSION = 1
MAX_REASONS = 5
MAX_REASON = 200

State = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mark:
    """What our metafield says.

    `hidden` is how the whole product is hidden, with its state before and what our hide left; `detached` are the images that
    were taken out of it, and `order` the order before the first of them; `flagged` those that are blocked and shown. All are
    named by Shopify's global ids.
    """

    hidden: State | None = None
    order: tuple[str, ...] = ()
    detached: Mapping[str, State] = field(default_factory=dict)
    flagged: Mapping[str, State] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return self.hidden is None and not self.detached and not self.flagged

    def without_hidden(self) -> Mark:
        return replace(self, hidden=None)

    def with_detached(self, gid: str, state: State, order: tuple[str, ...]) -> Mark:
        return replace(self, order=tuple(order), detached={**self.detached, gid: state})

    def without_detached(self, gid: str) -> Mark:
        left = {id: state for id, state in self.detached.items() if id != gid}
        return replace(self, order=self.order if left else (), detached=left)

    def with_flagged(self, gid: str, state: State) -> Mark:
        return replace(self, flagged={**self.flagged, gid: state})

    def without_flagged(self, gid: str) -> Mark:
        return replace(self, flagged={id: state for id, state in self.flagged.items() if id != gid})

    def written(self) -> str:
        """Write the metafield's value."""
        document: dict[str, Any] = {"v": VERSION}
        if self.hidden is not None:
            document["hidden"] = dict(self.hidden)
        if self.detached:
            document |= {"order": list(self.order), "detached": {id: dict(state) for id, state in self.detached.items()}}
        if self.flagged:
            document["flagged"] = {id: dict(state) for id, state in self.flagged.items()}
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def read(value: str) -> Mark:
    """Read the metafield; what cannot be read counts as absent, since then the connector's own copy decides."""
    try:
        document = read_json(value.encode("utf-8", "surrogatepass"))
        if not value or document.integer("v") != VERSION:
            return Mark()
        return Mark(
            hidden=document.plain("hidden") or None,
            order=document.texts("order", 250, 100) if "order" in document else (),
            detached=_states(document.plain("detached")),
            flagged=_states(document.plain("flagged")),
        )
    except DeliveryUnreadable:
        return Mark()


def _states(value: Mapping[str, Any]) -> Mapping[str, State]:
    return {id: state for id, state in value.items() if isinstance(state, dict)}


def about(enforcement: Enforcement) -> dict[str, Any]:
    """Name the decision, for the merchant and for ourselves when the same one is tried again."""
    return {
        "enforcement": enforcement.id,
        "media": image_gid(enforcement.media.id),
        "version": enforcement.media.version,
        "verdict": enforcement.verdict.value,
        "reasons": [reason.text[:MAX_REASON] for reason in enforcement.reasons[:MAX_REASONS]],
        "decided_at": enforcement.decided_at,
    }


def metafield(mark: Mark) -> dict[str, str]:
    """Format the metafield as productUpdate takes it."""
    return {"namespace": NAMESPACE, "key": KEY, "type": "json", "value": mark.written()}
