"""Decisions made true in a shop, and undone: look what is there, write the state before down, change it, and tag it last.

What a product was before is in its mark (mark.py) and in the receipt; either is enough to bring it back. It is written in a step
of its own before anything is hidden. The tag is for the merchant's eyes, and nothing waits for it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from app.domain.decisions import Action, Enforcement, Receipt, Verdict
from app.domain.errors import MediaGone, PicwardError, PlatformRefused, PlatformUnavailable
from app.domain.media import MediaRef
from integrations.kit.untrusted import Untrusted
from integrations.shopify import channels, gallery, mark, product, scopes, tags
from integrations.shopify.api import Admin, done
from integrations.shopify.brake import Brake
from integrations.shopify.channels import Publication
from integrations.shopify.gallery import Gallery
from integrations.shopify.mark import Mark, State
from integrations.shopify.media import image_gid
from integrations.shopify.product import Listing
from integrations.shopify.refusals import AGAIN_SECONDS
from integrations.shopify.settings import HideBy, Settings, ShownAgain

_log = logging.getLogger(__name__)

LIVE = ("ACTIVE", "UNLISTED")
"""The statuses that shoppers can see; an unlisted product by its address, so that UNLISTED hides nothing."""

HIDDEN = "DRAFT"


@dataclass(frozen=True, slots=True)
class WriteBack:
    """The actions that are applied to one shop."""

    admin: Admin
    settings: Settings
    brake: Brake

    def apply(self, enforcement: Enforcement) -> Receipt:
        if enforcement.action is Action.HIDE:
            return self._hide(enforcement)
        if enforcement.action is Action.RESTORE:
            return self._restore(enforcement)
        if enforcement.action is Action.DELETE:
            return self._delete(enforcement)
        return self._label(enforcement)

    @property
    def _again(self) -> bool:
        """Whether what somebody showed again is hidden again for the same decision."""
        return self.settings.shown_again is ShownAgain.HIDE

    # --- hide

    def _hide(self, enforcement: Enforcement) -> Receipt:
        listing = product.read(self.admin, enforcement.media)
        _insist(listing, enforcement.media)
        held, by_picture = listing.mark.hidden, self.settings.hide_by is HideBy.DETACH
        if enforcement.again and not self._again:  # what is left as it is found is looked at the way it was hidden
            by_picture = image_gid(enforcement.media.id) in listing.mark.detached or (by_picture and held is None)
        if by_picture:
            return self._detach(listing, enforcement)
        if held is not None:
            if self._stands(listing, held):
                if held.get("enforcement") == enforcement.id:
                    tags.show_hidden(self.admin, listing, self.settings.tag)
                return Receipt(_undo(held))
            # Hidden before, by this very action or for another image, and shown now: a person decided that, unless it never
            # happened.
            ours = enforcement.again or held.get("enforcement") == enforcement.id
            if ours and not (self._again or self._broke_off(listing, held)):
                return self._left_so(listing, held)
        if self.settings.hide_by is HideBy.UNPUBLISH:
            return self._unpublish(listing, enforcement)
        return self._draft(listing, enforcement)

    def _left_so(self, listing: Listing, held: State) -> Receipt:
        """Write down that a person showed the product, so that what is done to it from now on is believed to be a person's."""
        if not held.get(mark.LEFT_SO):
            held = {**held, mark.LEFT_SO: True}
            product.keep(self.admin, listing, replace(listing.mark, hidden=held))
        said = f"Someone showed the product again in Shopify ({listing.status.lower()}); it was left so."
        return Receipt(_undo(held), said)

    def _kept(self, listing: Listing, enforcement: Enforcement) -> State:
        """Give the state before that another hide keeps, unless somebody showed the product since."""
        shown = listing.mark.hidden is not None and listing.mark.hidden.get(mark.LEFT_SO)
        return {} if shown else enforcement.held or {}

    def _draft(self, listing: Listing, enforcement: Enforcement) -> Receipt:
        other = self._kept(listing, enforcement)
        before = listing.status
        if other.get("how") == HideBy.DRAFT and listing.status == _status(other, "left"):
            before = _status(other, "before")
        left = HIDDEN if before in LIVE else before
        state = self._state(listing, enforcement, HideBy.DRAFT, {"status": before}, {"status": left})
        hidden = {**state, **mark.about(enforcement)}
        marked = replace(listing.mark, hidden=hidden)
        self._press(listing)
        if left == listing.status:
            product.keep(self.admin, listing, marked)
        else:
            product.keep(self.admin, listing, replace(marked, hidden={**hidden, mark.BEGUN: True}))
            with self._or_nothing(listing, enforcement.media):
                self._set_to(listing, left, product.named(listing, marked))
        tags.show_hidden(self.admin, listing, self.settings.tag)
        return Receipt(state)

    def _set_to(self, listing: Listing, status: str, metafields: Sequence[Mapping[str, str]] = ()) -> None:
        fields = {"metafields": metafields} if metafields else {}
        data = self.admin.ask("write", product={"id": listing.id, "status": status, **fields})
        done(data, "productUpdate")
        if status not in LIVE and _answered(data) in LIVE:
            raise PlatformRefused("Shopify took the change, and the product is still shown. Set it to draft in Shopify's admin.")

    def _unpublish(self, listing: Listing, enforcement: Enforcement) -> Receipt:
        self.admin.require(*scopes.FOR_CHANNELS)
        there = channels.read(self.admin, listing.id)
        names = {name.casefold() for name in self.settings.sales_channels}
        chosen = [one for one in there if not names or one.title.casefold() in names]
        earlier = self._earlier(listing, enforcement)
        if there and not chosen and listing.status in LIVE and not earlier:
            titles = ", ".join(one.title for one in there)
            raise PlatformRefused(
                f"The product is in none of the sales channels that the settings name; it is in {titles}. Name the right "
                "ones, or choose “Set to draft”; then try again."
            )
        dates = {one.id: one.date for one in chosen}
        for id, date in earlier.items():
            dates.setdefault(id, date)
        before = {"publications": [{"id": id, "date": date} for id, date in dates.items()]}
        state = self._state(listing, enforcement, HideBy.UNPUBLISH, before, {"publications": []})
        marked = replace(listing.mark, hidden={**state, **mark.about(enforcement)})
        self._press(listing)
        product.keep(self.admin, listing, marked)
        if chosen:
            publications = [{"publicationId": one.id} for one in chosen]
            with self._or_nothing(listing, enforcement.media, chosen):
                done(self.admin.ask("unpublish", id=listing.id, publications=publications), "publishableUnpublish")
        tags.show_hidden(self.admin, listing, self.settings.tag)
        return Receipt(state)

    def _earlier(self, listing: Listing, enforcement: Enforcement) -> dict[str, str]:
        """Read what the product was already taken out of: by this action when it broke off, or for another image."""
        held = listing.mark.hidden or {}
        known = held if held.get("enforcement") == enforcement.id else self._kept(listing, enforcement)
        return channels.published(known) if known.get("how") == HideBy.UNPUBLISH else {}

    def _detach(self, listing: Listing, enforcement: Enforcement) -> Receipt:
        gid = image_gid(enforcement.media.id)
        self.admin.require(*scopes.FOR_FILES)
        found = gallery.read(self.admin, listing.id)
        state = listing.mark.detached.get(gid)
        order = listing.mark.order
        if gid not in found.order:
            if state is None:
                raise MediaGone("The picture is no longer part of the product.")
            return self._detached(listing, gid, state)
        tried = state is not None and (enforcement.again or state.get("enforcement") == enforcement.id)
        if state is not None and tried and not self._again and _put_back(listing.mark, found, gid):
            return Receipt(_detach_undo(state, order, gid), "Someone put the picture back in Shopify; it was left so.")
        if not listing.mark.detached.keys() - {gid}:
            order = found.order
        state = {"variants": found.showing(gid), "tag": self._own_tag(listing), **mark.about(enforcement), mark.BEGUN: True}
        self._press(listing)
        kept = product.keep(self.admin, listing, listing.mark.with_detached(gid, state, order))
        with self._or_nothing(listing, enforcement.media):
            done(self.admin.ask("detach", files=[{"id": gid, "referencesToRemove": [listing.id]}]), "fileUpdate")
        return self._detached(kept, gid, state)

    def _detached(self, listing: Listing, gid: str, state: State) -> Receipt:
        """Write down that an image was taken out, so that one which is there again was put back."""
        if mark.BEGUN in state:
            state = {key: value for key, value in state.items() if key != mark.BEGUN}
            product.keep(self.admin, listing, listing.mark.with_detached(gid, state, listing.mark.order))
        tags.show_hidden(self.admin, listing, self.settings.tag)
        return Receipt(_detach_undo(state, listing.mark.order, gid))

    @contextmanager
    def _or_nothing(self, listing: Listing, media: MediaRef, published: Sequence[Publication] = ()) -> Iterator[None]:
        """Leave a product as it was when Shopify refuses to hide it: published where it was, with the mark that it had."""
        try:
            yield
        except PlatformRefused:
            try:
                there = {one.id for one in channels.read(self.admin, listing.id)} if published else set()
                self._publish(listing, [(one.id, one.date) for one in published if one.id not in there])
                now = product.read(self.admin, media)
                if listing.mark.empty:
                    product.forget(self.admin, now)
                else:
                    product.keep(self.admin, now, listing.mark)
            except PicwardError as error:  # the mark still says what to bring back
                _log.warning("site %s: what was kept at %s stays there: %s", self.admin.site.id, listing.id, error)
            raise

    def _stands(self, listing: Listing, held: State) -> bool:
        """Tell whether what our hide left is still so that no shopper sees the product."""
        if held.get(mark.BEGUN) or held.get(mark.LEFT_SO):
            return False
        if listing.status not in LIVE:
            return True
        if held.get("how") != HideBy.UNPUBLISH:
            return False
        return not channels.published(held).keys() & {one.id for one in channels.read(self.admin, listing.id)}

    def _broke_off(self, listing: Listing, held: State) -> bool:
        """Tell whether the hide was only written down: a publication that came back by hand has another date."""
        if held.get(mark.BEGUN):
            return True
        if held.get("how") != HideBy.UNPUBLISH or held.get(mark.LEFT_SO):
            return False
        before = channels.published(held)
        return any(before.get(one.id) == one.date for one in channels.read(self.admin, listing.id))

    # --- restore, delete, label

    def _restore(self, enforcement: Enforcement) -> Receipt:
        media, undo = enforcement.media, enforcement.undo or {}
        gid = image_gid(media.id)
        listing = product.read(self.admin, media)
        if listing.version is not None:
            _insist(listing, media)
        marked, drifted = listing.mark, ""
        if gid in marked.detached or undo.get("how") == HideBy.DETACH:
            drifted = self._attach(listing, gid, undo)
            marked = marked.without_detached(gid)
        return Receipt(drifted=self._release(listing, marked, undo, enforcement.others_blocked) or drifted)

    def _attach(self, listing: Listing, gid: str, undo: Mapping[str, Any]) -> str:
        if listing.version is None:
            return ""
        before = undo.get("before") if undo.get("how") == HideBy.DETACH else None
        state = listing.mark.detached.get(gid) or (before if isinstance(before, dict) else {})
        order = listing.mark.order or _texts(state.get("order"))
        self._press(listing)
        return gallery.put_back(self.admin, listing.id, gid, order, _texts(state.get("variants")))

    def _release(self, listing: Listing, marked: Mark, undo: Mapping[str, Any], others_blocked: int) -> str:
        """Bring the product back when nothing blocks it any more, and remove what is ours; return what was changed meanwhile."""
        status, drifted = listing.status, ""
        missing: list[tuple[str, str]] = []
        kept_here = bool(undo.get("how"))
        held = marked.hidden or (undo if undo.get("how") in (HideBy.DRAFT, HideBy.UNPUBLISH) else None)
        if others_blocked == 0 and held is not None:
            # With no copy here the mark goes last, and a status that is right already may be an earlier try's.
            known = marked.hidden is not None and kept_here
            if held.get("how") == HideBy.UNPUBLISH:
                missing, drifted = self._missing(listing, held, known)
            elif not held.get(mark.BEGUN):
                status, drifted = _status_again(listing, held, known)
            marked = marked.without_hidden()
        if (marked, status) != (listing.mark, listing.status) or missing or listing.copied is not None:
            self._press(listing)
        if kept_here:
            self._mark(listing, marked)
        if status != listing.status:
            self._set_to(listing, status)
        self._publish(listing, missing)
        shown = others_blocked == 0 or undo.get("how") == HideBy.DETACH
        if shown and marked.hidden is None and not marked.detached:
            tags.remove(self.admin, listing, {*listing.mark.tags, str(undo.get("tag") or "")} - marked.tags)
        if not kept_here:
            self._mark(listing, marked)
        return drifted

    def _mark(self, listing: Listing, marked: Mark) -> None:
        """Write the mark where it differs, or take it away, also one that was copied from another product."""
        if marked.empty and (listing.copied is not None or not listing.mark.empty):
            product.forget(self.admin, listing)
        elif marked != listing.mark:
            product.keep(self.admin, listing, marked)

    def _publish(self, listing: Listing, missing: Sequence[tuple[str, str]]) -> None:
        if missing:
            publications = [{"publicationId": id, "publishDate": date or None} for id, date in missing]
            done(self.admin.ask("publish", id=listing.id, publications=publications), "publishablePublish")

    def own_mark(self, media: MediaRef) -> Mark:
        """Read a product's mark whole. Take away, with its tags, one that a duplicate brought along from a hidden product."""
        listing = product.read(self.admin, media)
        if listing.copied is not None:
            self._press(listing)
            tags.remove(self.admin, listing, set())
            self._mark(listing, listing.mark)
        return listing.mark

    def _missing(self, listing: Listing, held: State, known: bool) -> tuple[list[tuple[str, str]], str]:
        before = channels.published(held)
        there = {one.id for one in channels.read(self.admin, listing.id)}
        missing = [(id, date) for id, date in before.items() if id not in there]
        if held.get(mark.LEFT_SO) or (known and len(missing) < len(before)):
            return [], "Someone published the product again in Shopify; it was left as it is."
        return missing, ""

    def _delete(self, enforcement: Enforcement) -> Receipt:
        if not self.settings.delete_blocked:
            raise PlatformRefused("Deleting is not switched on in the shop's settings.")
        media, gid = enforcement.media, image_gid(enforcement.media.id)
        listing = product.read(self.admin, media)
        if listing.version is not None:
            _insist(listing, media)
            self.admin.require(*scopes.FOR_FILES)
            self._press(listing)
            done(self.admin.ask("delete", files=[gid]), "fileDelete")
        self._release(listing, listing.mark.without_detached(gid), enforcement.undo or {}, enforcement.others_blocked)
        return Receipt()

    def _label(self, enforcement: Enforcement) -> Receipt:
        """Tag a product whose blocked picture is shown; a person who allows it takes the tag away. The rest costs nothing."""
        tag, media = self.settings.flag_tag, enforcement.media
        blocked = enforcement.verdict is Verdict.BLOCK
        if not tag or not (blocked or (enforcement.verdict is Verdict.ALLOW and enforcement.person)):
            return Receipt()
        gid = image_gid(media.id)
        listing = product.read(self.admin, media)
        flagged = listing.mark.flagged
        if blocked:
            _insist(listing, media)
            known = flagged.get(gid)
            if known is None:
                self._press(listing)
                state = {**mark.about(enforcement), "tag": tag if tags.ours(listing, tag) else ""}
                product.keep(self.admin, listing, listing.mark.with_flagged(gid, state))
            if known is None or known.get("enforcement") == enforcement.id:
                tags.flag(self.admin, listing, tag)
        elif gid in flagged:
            marked = listing.mark.without_flagged(gid)
            self._press(listing)
            tags.remove(self.admin, listing, listing.mark.tags - marked.tags)
            self._mark(listing, marked)
        return Receipt()

    def _press(self, listing: Listing) -> None:
        self.brake.press(self.admin.site.key, listing.id, self.settings.actions_per_hour)

    def _state(
        self, listing: Listing, enforcement: Enforcement, how: HideBy, before: Mapping[str, Any], left: Mapping[str, Any]
    ) -> dict[str, Any]:
        other = enforcement.held or {}
        tag = self._own_tag(listing) or (self.settings.tag if other.get("tag") == self.settings.tag else "")
        return {"how": how.value, "before": dict(before), "left": dict(left), "tag": tag}

    def _own_tag(self, listing: Listing) -> str:
        """Name the tag that a restore removes again, "" when the merchant already had it on the product."""
        return self.settings.tag if tags.ours(listing, self.settings.tag) else ""


def _insist(listing: Listing, media: MediaRef) -> None:
    """Make sure that the shop has this version now. Raise `MediaGone`, or `PlatformUnavailable` while that is open."""
    if listing.version is None:
        raise MediaGone("The picture is no longer in the shop.")
    if listing.version == "":
        raise PlatformUnavailable("Shopify still processes the picture.", AGAIN_SECONDS)
    if listing.version != media.version:
        raise MediaGone("The picture was replaced.", now=replace(media, version=listing.version, source=listing.source))


def _undo(held: State) -> dict[str, Any]:
    return {key: held[key] for key in ("how", "before", "left", "tag", mark.LEFT_SO) if key in held}


def _put_back(held: Mark, found: Gallery, gid: str) -> bool:
    """Tell whether an image that is in the gallery was taken out before. A mark of an earlier version was written in one request
    with that: there it was put back when anything is not as it was."""
    state = held.detached[gid]
    if held.product:
        return mark.BEGUN not in state
    expected = [one for one in held.order if one == gid or one not in held.detached]
    return list(found.order) != expected or found.showing(gid) != _texts(state.get("variants"))


def _detach_undo(state: State, order: Sequence[str], gid: str) -> dict[str, Any]:
    return {
        "how": HideBy.DETACH.value,
        "before": {"order": list(order), "variants": _texts(state.get("variants"))},
        "left": {"order": [one for one in order if one != gid]},
        "tag": state.get("tag", ""),
    }


def _status(state: State, when: str) -> str:
    part = state.get(when)
    return str(part.get("status", "")) if isinstance(part, dict) else ""


def _status_again(listing: Listing, held: State, known: bool) -> tuple[str, str]:
    """Choose the status of a product that comes back: what it was, or what someone made it since."""
    before, left = _status(held, "before"), _status(held, "left")
    if listing.status == left and before and not held.get(mark.LEFT_SO):
        return before, ""
    if known or held.get(mark.LEFT_SO) or listing.status != before:
        return listing.status, f"Someone set the product to {listing.status.lower()} in Shopify; it was left so."
    return listing.status, ""


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else []


def _answered(data: Untrusted) -> str:
    payload = data.object("productUpdate")
    return payload.object("product").label("status", 20) if "product" in payload else ""
