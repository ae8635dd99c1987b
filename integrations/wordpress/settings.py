"""What the owner of a WordPress site can set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from app.domain.media import Context
from app.domain.settings import ByPlatform, HoldingSettings, LinkedSettings

Role = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=60)]


class Settings(HoldingSettings, LinkedSettings):
    """Add what only WordPress has: roles, posts that hold a picture, and sizes made by the browser."""

    # An account that was broken into uploads with its owner's role.
    starting: ClassVar[Mapping[str, Any]] = {"trusted_roles": ()}

    trusted_roles: ByPlatform[tuple[Role, ...]] = Field(
        default=("administrator",),
        max_length=50,
        title="Roles whose pictures are never hidden by a rule",
        description="Pictures of these roles are judged and shown to you, but only a person can hide them. Site icons, "
        "logos and headers are mostly theirs.",
    )
    unpublish_parent: ByPlatform[bool] = Field(
        default=False,
        title="Take the post or product offline too",
        description="On: while a picture is hidden, the post or product that it was uploaded to waits as “pending”. It "
        "comes back as it was when its last hidden picture comes back.",
    )
    browser_sizes: ByPlatform[bool] = Field(
        default=False,
        title="Let the browser make image sizes",
        description="WordPress 7.1 can make the smaller sizes in the uploader's browser. Off: the server makes them "
        "from the picture that was judged, so that nobody can send other pixels as a smaller size.",
    )

    def may_hide(self, context: Context) -> bool:
        """Tell whether a BLOCK may be acted on: not in mode flag, and not for a picture of a trusted role."""
        roles = {role.casefold() for role in context.get("role", ())}
        return super().may_hide(context) and roles.isdisjoint(self.trusted_roles)
