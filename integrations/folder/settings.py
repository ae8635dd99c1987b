"""What the owner of a watched directory can set."""

from __future__ import annotations

from pydantic import Field

from app.domain.settings import ByOwner, Mode, SiteSettings


class Settings(SiteSettings):
    """Settings without “Hold until checked”: nothing stands between a directory and who reads it, so nothing can be held."""

    mode: ByOwner[Mode] = Field(
        default=Mode.HIDE,
        title="What happens to blocked pictures",
        description="Flag only: nothing is moved, you see the verdict. Hide flagged: a blocked picture is moved into the "
        "quarantine beside the directory until a person decides.",
        json_schema_extra={"choices": {"flag": "Flag only", "hide": "Hide flagged"}},
    )
