"""What the owner of a Firebase site can set, and which object names are watched under it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Annotated, Self, cast

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.domain.errors import SettingsInvalid
from app.domain.settings import ByOwner, Mode, SiteSettings, validate
from integrations.firebase import paths
from integrations.kit.paths import pattern

Pattern = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Prefix = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^/*][^*]*/$", max_length=100)]
"""How the names of a folder's objects begin; object names have no folders, so the slash at the end is part of it."""


def _placed(place: str) -> str:
    if not re.fullmatch(r"(gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]/)?(?!gs://)[^/*][^*]*/", place):
        raise ValueError("a prefix such as quarantine/, or gs://other-bucket/quarantine/")
    return place


Former = Annotated[str, StringConstraints(strip_whitespace=True, max_length=330), AfterValidator(_placed)]
"""A prefix of hidden pictures, behind its bucket where that was another than the site's own."""

EVERYTHING = "*"


class Config(BaseSettings):
    """What the operator may set: other addresses than Google's own, for stand-ins and restricted networks."""

    model_config = SettingsConfigDict(env_prefix="PICWARD_FIREBASE_", extra="ignore", frozen=True)

    certificates_url: str = Field(
        "https://www.googleapis.com/oauth2/v3/certs", description="Where Google's certificates (as JWKs) are fetched."
    )
    token_url: str = Field(
        "https://oauth2.googleapis.com/token",
        description="Where a service account's key is traded for tokens; what the key file itself says is not followed.",
    )


class Layout(StrEnum):
    IN_PLACE = "in_place"
    PENDING_PUBLIC = "pending_public"


class Tell(StrEnum):
    """Name where the app reads its verdicts."""

    FIRESTORE = "firestore"
    DATABASE = "database"
    NOTHING = "nothing"


class Strikes(StrEnum):
    """Name what happens to a user of whom too many pictures were hidden."""

    OFF = "off"
    CLAIM = "claim"
    DISABLE = "disable"


class Settings(SiteSettings):
    """What only Firebase has: paths, a quarantine in a bucket, and how the app is told."""

    mode: ByOwner[Mode] = Field(
        default=Mode.HIDE,
        title="What happens to blocked pictures",
        description="Flag only: nothing is moved, you and the app see the verdict. Hide flagged: a blocked picture loses its "
        "download address and is moved into the quarantine until a person decides.",
        json_schema_extra={"choices": {"flag": "Flag only", "hide": "Hide flagged"}},
    )
    layout: ByOwner[Layout] = Field(
        default=Layout.IN_PLACE,
        title="Where approved pictures are",
        description="In place: an approved picture stays and its metadata say “moderation: approved”. Pending and public: "
        "the app uploads below the first prefix, and only approved pictures are moved below the second.",
        json_schema_extra={"choices": {"in_place": "In place", "pending_public": "Moved from pending to public"}},
    )
    approved_cache: ByOwner[str] = Field(
        default="",
        max_length=100,
        pattern=r"^[a-zA-Z0-9=, _-]*$",
        title="Cache-Control of approved pictures",
        description="Apps upload with “private, max-age=0”, so that nothing keeps what was not judged; with public, "
        "max-age=3600, for example, browsers may keep what is approved. Empty: as it was uploaded.",
    )
    pending: ByOwner[Prefix] = Field(
        default="pending/", title="Prefix of uploads", description="With pending and public: where the app uploads to."
    )
    public: ByOwner[Prefix] = Field(
        default="public/", title="Prefix of approved pictures", description="With pending and public; never watched."
    )
    include: ByOwner[tuple[Pattern, ...]] = Field(
        default=(EVERYTHING,),
        min_length=1,
        max_length=50,
        title="Watched paths",
        description="Object names, * for any characters and {uid} for one part, such as users/{uid}/photos/. A path that ends "
        "in a slash means everything below it.",
    )
    exclude: ByOwner[tuple[Pattern, ...]] = Field(
        default=(), max_length=50, title="Paths that are not watched", description="As above, and stronger."
    )
    owner_paths: ByOwner[tuple[Pattern, ...]] = Field(
        default=("pending/{uid}/", "public/{uid}/", "users/{uid}/"),
        max_length=50,
        title="Whose picture it is",
        description="Paths in which {uid} marks the user's id. What clients write into metadata is never believed.",
    )
    quarantine: ByOwner[Prefix] = Field(
        default="quarantine/",
        title="Prefix of hidden pictures",
        description="Never watched; your rules must deny it to everybody.",
    )
    quarantine_bucket: ByOwner[str] = Field(
        default="",
        max_length=222,
        pattern=r"^([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])?$",
        title="Bucket of hidden pictures",
        description="Another bucket of the project for hidden pictures; empty: the same bucket. Needed when everybody may read "
        "the whole bucket.",
    )
    quarantines_before: ByOwner[tuple[Former, ...]] = Field(
        default=(),
        max_length=50,
        title="Where hidden pictures were before",
        description="Picward adds to this when the two above change. What was hidden there is still found and comes back; your "
        "rules must go on denying it to everybody. Such as quarantine/ or gs://other-bucket/quarantine/.",
    )
    blurred_copy: ByOwner[bool] = Field(
        default=False,
        title="Keep a blurred copy for the app",
        description="On: while a picture is hidden, a small blurred copy of it can be shown in its place.",
    )
    blurred: ByOwner[Prefix] = Field(default="blurred/", title="Prefix of blurred copies", description="Never watched.")
    tell: ByOwner[Tell] = Field(
        default=Tell.FIRESTORE,
        title="How the app is told",
        description="One document or node per picture: status, categories, time and name, and never a score.",
        json_schema_extra={"choices": {"firestore": "Firestore", "database": "Realtime Database", "nothing": "Not at all"}},
    )
    tell_path: ByOwner[str] = Field(
        default="moderation",
        pattern=r"^[A-Za-z0-9_-]{1,100}(/[A-Za-z0-9_-]{1,100}/[A-Za-z0-9_-]{1,100}){0,3}$",
        title="Collection or node",
        description="Where the documents or nodes are; in Firestore a collection, such as moderation or apps/one/moderation.",
    )
    firestore_database: ByOwner[str] = Field(
        default="",
        max_length=63,
        pattern=r"^(\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9])?$",
        title="Firestore database",
        description="The id of the database, where the project has several; empty: the one called (default).",
    )
    database_url: ByOwner[str] = Field(
        default="",
        max_length=300,
        # Whoever is asked gets the account's token, and that may be the one of the machine that Picward runs on.
        pattern=r"^(https://[a-z0-9-]{1,63}(\.firebaseio\.com|\.[a-z0-9-]{1,40}\.firebasedatabase\.app)/?)?$",
        title="Address of the Realtime Database",
        description="Such as https://my-app-default-rtdb.europe-west1.firebasedatabase.app; only when it is chosen above.",
    )
    tell_address: ByOwner[bool] = Field(
        default=False,
        title="Tell the app the new address",
        description="On: an approved or restored picture's path and new download address are in the document. Who may read "
        "the document can then see the picture.",
    )
    strikes: ByOwner[Strikes] = Field(
        default=Strikes.OFF,
        title="After too many hidden pictures",
        description="Set the custom claim “uploadBanned”, or disable the account. Given back when a picture is restored.",
        json_schema_extra={"choices": {"off": "Nothing", "claim": "Set a claim", "disable": "Disable the account"}},
    )
    strikes_after: ByOwner[int] = Field(
        default=3, ge=1, le=20, title="How many are too many", description="Hidden pictures of one user, until restored."
    )
    message_topic: ByOwner[str] = Field(
        default="",
        max_length=200,
        pattern=r"^([A-Za-z0-9_.~%-]|\{uid\})*$",
        title="Message to the user",
        description="A Cloud Messaging topic such as moderation-{uid}; empty: no message. Any app can subscribe to a topic, so "
        "a message holds the document's id and the status only.",
    )

    @model_validator(mode="after")
    def _apart(self) -> Self:
        """Refuse prefixes that overlap and a quarantine, public or blurred prefix that an included path watches."""
        ours = self._unwatched()
        for index, one in enumerate(ours):
            if any(one.startswith(other) or other.startswith(one) for other in ours[index + 1 :]):
                raise ValueError("the prefixes of hidden, blurred, pending and public pictures must lie apart")
            if self.layout is Layout.PENDING_PUBLIC and (self.pending.startswith(one) or one.startswith(self.pending)):
                raise ValueError("the prefix of uploads must lie apart from those of hidden, blurred and public pictures")
            for path in self.include:
                # The bare * is the default and means “all but ours”; a path that someone typed must be meant.
                if path != EVERYTHING and pattern(path).matches(one + "x"):
                    raise ValueError(f"the watched path {path} holds {one}, which Picward writes to")
        if self.layout is Layout.PENDING_PUBLIC and not self.watches(self.pending + "x/x"):
            raise ValueError(f"the prefix of uploads {self.pending} is not among the watched paths")
        if self.tell is Tell.DATABASE and not self.database_url:
            raise ValueError("the address of the Realtime Database is missing")
        return self

    def after(self, before: SiteSettings) -> Self:
        """Understand the paths that are new, and remember where pictures were hidden before. Raise `SettingsInvalid`.

        Paths that were stored keep the meaning that they had; moving the quarantine orphans none of the pictures in it.
        """
        if not isinstance(before, Settings):
            return self
        told = self.model_dump(mode="json") | {
            "include": _read("include", self.include, before.include, paths.understood),
            "exclude": _read("exclude", self.exclude, before.exclude, paths.understood),
            "owner_paths": _read("owner_paths", self.owner_paths, before.owner_paths, paths.understood_owner),
        }
        if before._hides_in() != self._hides_in():
            known = dict.fromkeys((before._hides_in(), *self.quarantines_before, *before.quarantines_before))
            known.pop(self._hides_in(), None)
            told["quarantines_before"] = list(known)
        return cast(Self, validate(type(self), told))

    def _hides_in(self) -> str:
        return f"gs://{self.quarantine_bucket}/{self.quarantine}" if self.quarantine_bucket else self.quarantine

    def moved_from(self, bucket: str) -> list[tuple[str, str]]:
        """List where pictures were hidden before, as bucket and prefix; `bucket` is the site's own."""
        found = (re.fullmatch(r"(?:gs://([^/]+)/)?(.+)", place) for place in self.quarantines_before)
        return [(one[1] or bucket, one[2]) for one in found if one is not None]

    def _unwatched(self) -> tuple[str, ...]:
        hidden = () if self.quarantine_bucket else (self.quarantine,)
        return (*hidden, self.blurred, *((self.public,) if self.layout is Layout.PENDING_PUBLIC else ()))

    def ours(self, name: str) -> bool:
        """Tell whether Picward itself writes to a name, or did; such names are never watched."""
        before = (place for place in self.quarantines_before if not place.startswith("gs://"))
        return name.startswith((*self._unwatched(), *before))

    def watches(self, name: str) -> bool:
        """Tell whether uploads with this object name are judged."""
        if self.ours(name):
            return False
        if not any(pattern(path).matches(name) for path in self.include):
            return False
        return not any(pattern(path).matches(name) for path in self.exclude)

    def watched_prefix(self) -> str:
        """Return what all watched names begin with, "" when they share nothing; it shortens listings and notifications."""
        starts = [re.split(r"[*{]", path.lstrip("/"))[0] for path in self.include]
        first, last = min(starts), max(starts)
        same = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
        return first[:same]

    def owner_of(self, name: str) -> str:
        """Extract the user id from a path, "" when none of the owner paths fits."""
        for path in self.owner_paths:
            if owner := pattern(path).owner_in(name):
                return owner[:128]
        return ""


def _read(field: str, now: Iterable[str], before: Iterable[str], understood: Callable[[str], str]) -> list[str]:
    """Understand those of a field's paths that it did not have before."""
    try:
        return list(dict.fromkeys(path if path in before else understood(path) for path in now))
    except ValueError as error:
        raise SettingsInvalid(f"Some settings are not valid: {field}: {error}", {field: str(error)}) from None
