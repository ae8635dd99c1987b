"""What a platform is given at start-up, as tests give it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from app.domain.platform import Credentials, Platform, Site, Surroundings
from app.factory import blurred_from, judge_from

MAX_IMAGE_BYTES = 20_000_000


class Unrenewed:
    """Keep the credentials of platforms that renew none."""

    def renew(
        self, site: Site, stale: Mapping[str, Any], refresh: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        raise AssertionError("nothing is renewed here")


_judge = judge_from(Path("no-weights"), MAX_IMAGE_BYTES)


def surroundings(
    public_url: str = "https://picward.example",
    credentials: Credentials | None = None,
    max_image_bytes: int = MAX_IMAGE_BYTES,
) -> Surroundings:
    return Surroundings(public_url, credentials or Unrenewed(), max_image_bytes, blurred_from(_judge))


Made = TypeVar("Made", bound=Platform)


def made(platform: type[Made], config: Any = None, **over: Any) -> Made:
    """Make a platform as the factory does, with an operator's settings unless they are given."""
    if config is None and platform.Config is not None:
        config = platform.Config()
    return platform(config, surroundings(**over))
