"""Our tags at a product, added and removed one by one, so that nobody else's are overwritten."""

from __future__ import annotations

import logging
from collections.abc import Set

from app.domain.errors import PlatformRefused
from integrations.shopify.api import Admin, done
from integrations.shopify.media import MAX_TAGS
from integrations.shopify.product import Listing

_log = logging.getLogger(__name__)


def has(listing: Listing, tag: str) -> bool:
    # Shopify tells tags apart by their letters only, not by their case.
    return tag.casefold() in {one.casefold() for one in listing.tags}


def ours(listing: Listing, tag: str) -> bool:
    """Tell whether a restore removes a tag again: the merchant did not have it there before."""
    copied = listing.copied.tags if listing.copied is not None else frozenset()
    return tag in listing.mark.tags | copied or not has(listing, tag)


def show_hidden(admin: Admin, listing: Listing, tag: str) -> None:
    """Tag a product that is hidden already: a refusal, as at Shopify's most tags, changes nothing about that."""
    if tag and not has(listing, tag):
        try:
            done(admin.ask("tag", id=listing.id, tags=[tag]), "tagsAdd")
        except PlatformRefused as error:
            _log.warning("site %s: %s is hidden, without its tag: %s", admin.site.id, listing.id, error)


def flag(admin: Admin, listing: Listing, tag: str) -> None:
    """Tag a product where the tag is all that is done. Raise `PlatformRefused`."""
    if has(listing, tag):
        return
    try:
        done(admin.ask("tag", id=listing.id, tags=[tag]), "tagsAdd")
    except PlatformRefused:
        if len(listing.tags) < MAX_TAGS:
            raise
        raise PlatformRefused(
            f"The product has {len(listing.tags)} tags, and Shopify takes no more. Remove one; then try again."
        ) from None


def remove(admin: Admin, listing: Listing, tags: Set[str]) -> None:
    """Take tags of ours away, with those that a duplicate brought along."""
    copied = listing.copied.tags if listing.copied is not None else frozenset()
    folded = {tag.casefold() for tag in {*tags, *copied} if tag}
    if found := [tag for tag in listing.tags if tag.casefold() in folded]:
        try:
            done(admin.ask("untag", id=listing.id, tags=found), "tagsRemove")
        except PlatformRefused as error:
            _log.warning("site %s: %s keeps a tag of ours: %s", admin.site.id, listing.id, error)
