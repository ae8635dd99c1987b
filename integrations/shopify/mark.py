"""What we keep at the product itself: metafields that only this app can write, with the state before it was hidden.

They are written in a step of their own before anything is hidden (product.py), so that neither a process that dies nor a
refusal leaves a product hidden whose state before is nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.domain.decisions import Enforcement
from app.domain.errors import DeliveryUnreadable
from integrations.kit.untrusted import read_json
from integrations.shopify.media import MAX_MEDIA, image_gid

NAMESPACE, KEY = "$app:moderation", "decision"
"""`$app` is a namespace that Shopify reserves for the app. The documents in `documents/` name both, too."""

VERSION = 1
MAX_REASONS = 5
MAX_REASON = 200

BEGUN = "begun"
"""Stands in the state of a hide that was written down and is not known to have happened."""

LEFT_SO = "left_so"
"""Stands in the state of a hide that somebody undid in Shopify, and that was left so: its state before is nobody's wish now."""

PART_CHARACTERS = 30_000
"""How much of a mark one metafield holds. A character takes at most four bytes, and Shopify takes 128 KB of JSON:
https://shopify.dev/docs/apps/build/metafields/metafield-limits."""

MAX_PARTS = 24
"""How many parts a mark has beside its head: metafieldsSet writes at most 25 metafields, and those all or none."""

State = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mark:
    """What our metafields say.

    `hidden` is how the whole product is hidden, with its state before and what our hide left; `detached` are the images that
    were taken out of it, and `order` the order before the first of them; `flagged` those that are blocked and shown. All are
    named by Shopify's global ids. `product` is whose mark it is: Shopify copies it when a product is duplicated. It is "" in
    marks of earlier versions.
    """

    hidden: State | None = None
    order: tuple[str, ...] = ()
    detached: Mapping[str, State] = field(default_factory=dict)
    flagged: Mapping[str, State] = field(default_factory=dict)
    product: str = field(default="", compare=False)

    @property
    def empty(self) -> bool:
        return self.hidden is None and not self.detached and not self.flagged

    @property
    def states(self) -> tuple[State, ...]:
        hidden = () if self.hidden is None else (self.hidden,)
        return (*hidden, *self.detached.values(), *self.flagged.values())

    @property
    def tags(self) -> frozenset[str]:
        """The tags that were set with what it says."""
        return frozenset(str(state.get("tag") or "") for state in self.states) - {""}

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

    def brief(self) -> Mark:
        """Give the same without reasons, which nothing is brought back by."""
        hidden = None if self.hidden is None else _brief(self.hidden)
        detached = {id: _brief(state) for id, state in self.detached.items()}
        flagged = {id: _brief(state) for id, state in self.flagged.items()}
        return replace(self, hidden=hidden, detached=detached, flagged=flagged)

    def written(self) -> str:
        """Write it as JSON."""
        document: dict[str, Any] = {"v": VERSION, "product": self.product}
        if self.hidden is not None:
            document["hidden"] = dict(self.hidden)
        if self.detached:
            document |= {"order": list(self.order), "detached": {id: dict(state) for id, state in self.detached.items()}}
        if self.flagged:
            document["flagged"] = {id: dict(state) for id, state in self.flagged.items()}
        return _json(document)


def _brief(state: State) -> State:
    return {key: value for key, value in state.items() if key != "reasons"}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read(value: str) -> Mark:
    """Read a mark; what cannot be read counts as absent, since then the connector's own copy decides."""
    try:
        document = read_json(value.encode("utf-8", "surrogatepass"))
        if not value or document.integer("v") != VERSION:
            return Mark()
        return Mark(
            hidden=document.plain("hidden") or None,
            order=document.texts("order", MAX_MEDIA, 100) if "order" in document else (),
            detached=_states(document.plain("detached")),
            flagged=_states(document.plain("flagged")),
            product=document.label("product", 100),
        )
    except DeliveryUnreadable:
        return Mark()


def parts_of(value: str) -> int:
    """Read how many parts follow the metafield `decision`; 0 when it holds the mark itself."""
    try:
        head = read_json(value.encode("utf-8", "surrogatepass"))
        return head.integer("parts", 0, MAX_PARTS, default=0) if value else 0
    except DeliveryUnreadable:
        return 0


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


def metafields(mark: Mark) -> list[dict[str, str]]:
    """Format a mark as Shopify takes it: the metafield `decision`, and parts of a long one before it."""
    text = mark.written()
    if len(text) > PART_CHARACTERS * MAX_PARTS:
        text = mark.brief().written()
    if len(text) <= PART_CHARACTERS:
        return [_metafield(KEY, text)]
    pieces = [text[begin : begin + PART_CHARACTERS] for begin in range(0, len(text), PART_CHARACTERS)]
    head = {"v": VERSION, "product": mark.product, "parts": len(pieces)}
    keys = part_keys(len(pieces))
    return [*(_metafield(key, _json(piece)) for key, piece in zip(keys, pieces, strict=True)), _metafield(KEY, _json(head))]


def part_keys(parts: int) -> Iterator[str]:
    """Name the metafields of a mark's parts, in order."""
    return (f"{KEY}_{number}" for number in range(1, parts + 1))


def _metafield(key: str, value: str) -> dict[str, str]:
    return {"namespace": NAMESPACE, "key": key, "type": "json", "value": value}
