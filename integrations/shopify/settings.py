"""What a merchant can set."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from app.domain.settings import ByOwner, ByPlatform, Mode, SiteSettings

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
# Shopify cuts a tag at 255 characters, and separates tags by commas where people type them.
Tag = Annotated[str, StringConstraints(strip_whitespace=True, max_length=60, pattern="^[^,]*$")]


class HideBy(StrEnum):
    DRAFT = "draft"
    UNPUBLISH = "unpublish"
    DETACH = "detach"


class ShownAgain(StrEnum):
    LEAVE = "leave"
    HIDE = "hide"


class Settings(SiteSettings):
    """Settings without “Hold until checked”: a product is public as soon as its merchant says so, and nothing stands between."""

    mode: ByOwner[Mode] = Field(
        default=Mode.HIDE,
        title="What happens to blocked pictures",
        description="Flag only: nothing is hidden, the product gets a tag. Hide flagged: the product or the picture is hidden "
        "from shoppers until a person decides.",
        json_schema_extra={"choices": {"flag": "Flag only", "hide": "Hide flagged"}},
    )
    hide_by: ByPlatform[HideBy] = Field(
        default=HideBy.DRAFT,
        title="How a product is hidden",
        description="Set to draft: the product leaves every sales channel at once and keeps its address. Unpublish: only the "
        "sales channels named below lose it. Remove the picture: the product stays for sale without that picture, which "
        "stays under Files. The last two ask for more permissions.",
        json_schema_extra={
            "choices": {"draft": "Set to draft", "unpublish": "Unpublish from sales channels", "detach": "Remove the picture"}
        },
    )
    sales_channels: ByPlatform[tuple[Name, ...]] = Field(
        default=(),
        max_length=50,
        title="Sales channels that a product is unpublished from",
        description="Names as Shopify shows them, such as Online Store. All of them when the list is empty.",
    )
    tag: ByPlatform[Tag] = Field(
        default="picward-hidden",
        title="Tag of a product while it is hidden",
        description="So that you find hidden products in Shopify's own product list. Leave empty for no tag.",
    )
    flag_tag: ByPlatform[Tag] = Field(
        default="picward-flagged",
        title="Tag of a product whose blocked picture is not hidden",
        description="Used with “Flag only”, and when a rule may not hide. Leave empty to leave such products untouched.",
    )
    shown_again: ByOwner[ShownAgain] = Field(
        default=ShownAgain.LEAVE,
        title="When somebody shows a hidden product again",
        description="Another app or an import can set products active, too. Leave it: you are told, and decide. Hide it again: "
        "at once, as often as the setting below allows.",
        json_schema_extra={"choices": {"leave": "Leave it and tell me", "hide": "Hide it again"}},
    )
    judge_drafts: ByPlatform[bool] = Field(
        default=True,
        title="Check products before they are published",
        description="On: pictures of drafts and archived products are checked too. Off: once the product is active.",
    )
    original_bytes: ByOwner[bool] = Field(
        default=False,
        title="Check pictures at full size",
        description="Off: a copy of at most 1,024 pixels is checked, which is all that the models use. On: the full file is "
        "fetched, so that block lists of exact file hashes from elsewhere match. Slower, and a lot more traffic.",
    )
    actions_per_hour: ByOwner[int] = Field(
        default=12,
        ge=2,
        le=1_000,
        title="Most changes to one product within an hour",
        description="A brake against another app that keeps undoing what Picward does. Further changes wait for you.",
    )
