"""Settings are declared once, as pydantic fields: title, description, choices. Pages and docs are made from them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from app.domain.errors import SettingsInvalid
from app.domain.media import Context

Email = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=320, pattern=r"^[^\s@,;<>\"()]+@[^\s@,;<>\"()]+\.[^\s@,;<>\"()]+$")
]
WebAddress = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^(https?://[^\s@]{1,480})?$")]


class Mode(StrEnum):
    FLAG = "flag"
    HIDE = "hide"
    HOLD = "hold"


class Kind(StrEnum):
    """Name how a setting is typed in: one of its choices, on or off, a number, several words, or a text."""

    CHOICE = "choice"
    SWITCH = "switch"
    NUMBER = "number"
    WORDS = "words"
    TEXT = "text"


class ChangedBy(StrEnum):
    """Name who may change a setting, and on which side somebody stands who wants to."""

    OWNER = "owner"
    """Only an owner, in the console or by a program that may work on every site."""
    PLATFORM = "platform"
    """Who speaks for the site, too: its plugin, its embedded pages, its guests, a program or a person limited to it."""


class _Seen(Enum):
    BY_OWNER = "owner"


T = TypeVar("T")
OwnersOwn = Annotated[T, ChangedBy.OWNER, _Seen.BY_OWNER]
ByOwner = Annotated[T, ChangedBy.OWNER]
ByPlatform = Annotated[T, ChangedBy.PLATFORM]
"""Wrap a setting's type and say whose it is. The site's side is told of what it works by: what says `ByOwner` or `ByPlatform`.
It is not told of what is `OwnersOwn`, such as who is told of what; a setting that says nothing is such a one."""


class SiteSettings(BaseModel):
    """What every merchant can set; a platform adds its own fields by subclassing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    starting: ClassVar[Mapping[str, Any]] = {}
    """What a new site is set to where that is another than the default, which sites from before keep."""

    mode: ByOwner[Mode] = Field(
        default=Mode.HIDE,
        title="What happens to blocked pictures",
        description="Flag only: nothing is hidden, you see the verdict. Hide flagged: a blocked picture is hidden until "
        "a person decides.",
        json_schema_extra={"choices": {"flag": "Flag only", "hide": "Hide flagged"}},
    )
    delete_blocked: ByOwner[bool] = Field(
        default=False,
        title="Delete what a person rejects for good",
        description="Off: a rejected picture stays in quarantine and can come back. On: “Reject and delete” is offered.",
    )
    preview_days: ByOwner[int] = Field(
        default=30,
        ge=1,
        le=365,
        title="Keep previews for (days)",
        description="Small encrypted previews of pictures that wait or were blocked are kept this long for reviewers.",
    )
    tell_emails: OwnersOwn[tuple[Email, ...]] = Field(
        default=(),
        max_length=10,
        title="Send e-mail to",
        description="At most one message an hour, about what is switched on below.",
    )
    tell_webhook: OwnersOwn[WebAddress] = Field(
        default="",
        title="Call this web address",
        description="The same as JSON, signed as Standard Webhooks describes. Empty: nothing is called.",
    )
    tell_hidden: OwnersOwn[bool] = Field(
        default=True,
        title="Tell when something was hidden by a rule",
        description="How many pictures, and the first of them by name. Pictures themselves are never sent.",
    )
    tell_parked: OwnersOwn[bool] = Field(
        default=True,
        title="Tell when an action needs me",
        description="Hiding or restoring was refused by the site, or someone changed the picture meanwhile.",
    )
    tell_waiting_hours: OwnersOwn[int] = Field(
        default=24,
        ge=0,
        le=720,
        title="Tell when a picture waits longer than (hours)",
        description="Repeated once a day while it lasts. 0: never.",
    )
    tell_trouble: OwnersOwn[bool] = Field(
        default=True,
        title="Tell when the site is in trouble",
        description="It does not answer, or no longer lets Picward in.",
    )

    @field_validator("mode")
    @classmethod
    def _is_offered(cls, mode: Mode) -> Mode:
        """Take no mode that the platform cannot do: it would look like protection and be none."""
        offered = modes_of(cls)
        if mode not in offered:
            raise ValueError(f"must be one of {', '.join(offered)}")
        return mode

    def after(self, before: SiteSettings) -> Self:
        """Return these settings as they are stored in the place of others, something of which may have to be remembered."""
        return self

    def may_hide(self, context: Context) -> bool:
        """Tell whether a BLOCK of an image with this context may be acted on."""
        return self.mode is not Mode.FLAG


def modes_of(settings: type[SiteSettings]) -> tuple[Mode, ...]:
    """List the modes that a platform's settings offer."""
    extra = settings.model_fields["mode"].json_schema_extra
    choices = extra.get("choices") if isinstance(extra, dict) else None
    return tuple(Mode(choice) for choice in choices) if isinstance(choices, dict) else tuple(Mode)


class NetworkedSettings(SiteSettings):
    """What merchants can set whose site is reached over a network."""

    private_network: OwnersOwn[bool] = Field(
        default=False,
        title="This site is on my own network",
        description="Allow addresses such as 127.0.0.1 or 192.168.x.x. Leave off for sites on the internet: it keeps "
        "anyone from using Picward to reach inside your network.",
    )


class LinkedSettings(NetworkedSettings):
    """What can be set where a site's own pages lead its administrators into the console."""

    console_link: ByOwner[bool] = Field(
        default=True,
        title="Let this site's administrators open Picward from there",
        description="A link that works once leads them into Picward as reviewers of this site, and of nothing else. "
        "Off: they need an account here.",
    )


class HoldingSettings(SiteSettings):
    """Declare what can be set where a new picture can be kept from the public until it was judged."""

    mode: ByOwner[Mode] = Field(
        default=Mode.HIDE,
        title="What happens to blocked pictures",
        description="Flag only: nothing is hidden, you see the verdict. Hide flagged: a blocked picture is replaced until "
        "a person decides. Hold until checked: a new picture is not shown before it was judged.",
        json_schema_extra={"choices": {"flag": "Flag only", "hide": "Hide flagged", "hold": "Hold until checked"}},
    )


def changed_by(settings: type[BaseModel], name: str) -> ChangedBy:
    """Say who may change a setting, by its declaration."""
    said = (mark for mark in settings.model_fields[name].metadata if isinstance(mark, ChangedBy))
    return next(said, ChangedBy.OWNER)


def sees(settings: type[BaseModel], name: str, side: ChangedBy) -> bool:
    """Tell whether somebody on this side is told what a setting is, by its declaration."""
    marks = settings.model_fields[name].metadata
    return side is ChangedBy.OWNER or (_Seen.BY_OWNER not in marks and any(isinstance(mark, ChangedBy) for mark in marks))


def values_for(settings: SiteSettings, side: ChangedBy) -> dict[str, Any]:
    """Give the values, as JSON has them, that somebody on this side is told."""
    return {name: value for name, value in settings.model_dump(mode="json").items() if sees(type(settings), name, side)}


def declare(settings: type[BaseModel], side: ChangedBy = ChangedBy.OWNER) -> list[dict[str, Any]]:
    """Describe each field for a page: name, kind, texts, choices, default, bounds, and who may change it.

    Those that this side is not told of are left out.
    """
    schema = settings.model_json_schema()
    fields: list[dict[str, Any]] = []
    for name, info in settings.model_fields.items():
        if not sees(settings, name, side):
            continue
        shape = schema["properties"][name]
        extra = info.json_schema_extra
        choices = extra.get("choices") if isinstance(extra, dict) else None  # in their own order: a schema's is alphabetical
        if choices:
            kind = Kind.CHOICE
        elif shape.get("type") == "boolean":
            kind = Kind.SWITCH
        elif shape.get("type") in ("integer", "number"):
            kind = Kind.NUMBER
        elif shape.get("type") == "array":
            kind = Kind.WORDS
        else:
            kind = Kind.TEXT
        default = info.get_default(call_default_factory=True)
        fields.append(
            {
                "name": name,
                "kind": kind,
                "title": info.title or name,
                "description": info.description or "",
                "choices": choices or {},
                "default": default.value if isinstance(default, StrEnum) else list(default) if kind is Kind.WORDS else default,
                "minimum": shape.get("minimum"),
                "maximum": shape.get("maximum"),
                "changed_by": changed_by(settings, name),
            }
        )
    return fields


def validate(settings: type[SiteSettings], values: dict[str, Any]) -> SiteSettings:
    """Check values against the declaration. Raise `SettingsInvalid` that names each wrong field."""
    try:
        return settings.model_validate(values)
    except ValidationError as error:
        raise SettingsInvalid.of(error, "Some settings are not valid", "settings") from None
