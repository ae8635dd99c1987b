"""The table of platforms: every sub-package that offers PLATFORM, and third parties by entry point."""

from __future__ import annotations

import functools
import importlib
import inspect
import logging
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from types import MappingProxyType

import integrations
from app.domain.decisions import Action
from app.domain.platform import Platform

ENTRY_POINT_GROUP = "picward.platforms"
"""Where another distribution names its platform: `slug = "package:PLATFORM"`, a class."""

_SLUG = re.compile(r"[a-z][a-z0-9]{1,31}")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Registry:
    """What was found: the platforms by slug, and why others could not be loaded, by name."""

    platforms: Mapping[str, type[Platform]]
    broken: Mapping[str, str]


def platforms() -> Mapping[str, type[Platform]]:
    """Give every usable platform's class by its slug. They are looked for once, at the first call."""
    return _registry().platforms


def broken() -> Mapping[str, str]:
    """List the platforms that could not be loaded, with the reasons; the others work nevertheless."""
    return _registry().broken


@functools.cache
def _registry() -> Registry:
    return discover()


def discover() -> Registry:
    """Look for every platform that can be imported now: ours, then those of other distributions."""
    return collect([*_ours(), *_third_parties()])


def collect(candidates: Iterable[tuple[str, Callable[[], object]]]) -> Registry:
    """Load candidates (the expected slug and how to load it) in order; the first one of a slug stays."""
    found: dict[str, type[Platform]] = {}
    failed: dict[str, str] = {}
    for name, load in candidates:
        try:
            platform = load()
            if platform is None:
                continue
            problem = _unfit(name, platform, found)
        # Someone else's module may raise anything, SystemExit included; one broken platform must not stop the others.
        except (Exception, SystemExit) as error:
            platform, problem = None, f"{type(error).__name__}: {error}"
        if isinstance(platform, type) and issubclass(platform, Platform) and not problem:
            found[platform.slug] = platform
        else:
            failed[name] = problem
            _log.warning("The platform “%s” cannot be used: %s", name, problem)
    return Registry(MappingProxyType(found), MappingProxyType(failed))


def _ours() -> Iterable[tuple[str, Callable[[], object]]]:
    for module in sorted(pkgutil.iter_modules(integrations.__path__), key=lambda module: module.name):
        if module.ispkg:
            yield module.name, functools.partial(_offered, f"{integrations.__name__}.{module.name}")


def _offered(module: str) -> object:
    return getattr(importlib.import_module(module), "PLATFORM", None)


def _third_parties() -> Iterable[tuple[str, Callable[[], object]]]:
    for entry in sorted(metadata.entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: (entry.name, entry.value)):
        yield entry.name, entry.load


def _unfit(name: str, platform: object, found: Mapping[str, type[Platform]]) -> str:
    if not (isinstance(platform, type) and issubclass(platform, Platform)):
        return "what it offers is no subclass of Platform"
    if inspect.isabstract(platform):
        return "it lacks " + ", ".join(sorted(platform.__abstractmethods__))
    slug = getattr(platform, "slug", None)
    if not isinstance(slug, str) or not _SLUG.fullmatch(slug) or slug != name:
        return f"its slug is {slug!r}, not {name!r}"
    if slug in found:
        return "another platform has this name"
    if not getattr(platform, "name", ""):
        return "it has no name for people"
    actions: frozenset[Action] = getattr(platform, "actions", frozenset())
    if Action.HIDE in actions and Action.RESTORE not in actions:
        return "it can hide and cannot restore"
    return ""
