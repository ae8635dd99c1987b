"""What every platform says about itself."""

from __future__ import annotations

import re

from app.domain.decisions import Action
from app.domain.platform import Platform
from app.domain.settings import ChangedBy, Mode, SiteSettings, modes_of, sees
from app.domain.tasks import TIMINGS, Task
from app.domain.time import DAY, SECOND
from app.domain.uploaders import Sanction
from tests.contract.sample import Sample
from tests.contract.samples import held_to_it


def test_every_platform_can_be_used_and_has_a_sample(every_slug: str) -> None:
    assert every_slug in held_to_it().fit, f"{held_to_it().unfit[every_slug]} docs/adding-a-platform.md says what is needed."


def test_a_platform_declares_itself(slug: str, platform: Platform, sample: Sample) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*", platform.slug) and platform.slug == slug
    assert platform.name and platform.actions <= frozenset(Action)
    assert platform.summary and platform.hiding
    assert Action.HIDE not in platform.actions or Action.RESTORE in platform.actions
    assert issubclass(platform.Settings, SiteSettings)
    assert Action.HIDE in platform.actions or modes_of(platform.Settings) == (Mode.FLAG,), "a mode that it cannot do is offered"
    for kind, seconds in ((Task.RECONCILE, platform.reconcile_seconds), (Task.PULSE, platform.pulse_seconds)):
        assert 0 <= seconds * SECOND <= TIMINGS[kind].longest, f"{kind} is taken for one of a wrong clock"
    assert platform.reconcile_seconds > 0
    assert platform.quiet_pulse_seconds == 0 or platform.pulse_seconds <= platform.quiet_pulse_seconds <= DAY // SECOND
    assert not platform.sanctions or Sanction.LIFT in platform.sanctions, "what is ordered can be taken back"
    assert sample.webhooks is bool(sample.recordings())


def test_a_platform_overrides_what_it_declares_and_nothing_else(platform: Platform) -> None:
    for declared, method in (
        (platform.listens, "listen"),
        (platform.tells_uploaders, "tell"),
        (bool(platform.sanctions), "sanction"),
        (platform.pulse_seconds > 0, "pulse"),
    ):
        assert declared is (getattr(type(platform), method) is not getattr(Platform, method)), method


def test_a_platform_keeps_no_merchant(platform: Platform) -> None:
    kept = {name: value for name, value in vars(platform).items() if "site" in name.lower() or isinstance(value, dict)}
    assert kept == {}


OWNERS_ALWAYS = {*SiteSettings.model_fields, "private_network", "console_link"}
"""Network, notices, guests, modes that act, retention: of these no platform gives any away."""


def test_every_setting_says_who_may_change_it(platform: Platform) -> None:
    for name, field in platform.Settings.model_fields.items():
        said = [mark for mark in field.metadata if isinstance(mark, ChangedBy)]
        assert len(said) == 1, f"{name} does not say who may change it: wrap its type in ByOwner or ByPlatform"
        assert name not in OWNERS_ALWAYS or said == [ChangedBy.OWNER], f"{name} is the owner's"
        assert said == [ChangedBy.OWNER] or platform.uses_door or type(platform).frame is not Platform.frame, (
            f"{name}: nobody speaks for a site of this platform"
        )


OWNERS_OWN = {"private_network", *(name for name in SiteSettings.model_fields if name.startswith("tell_"))}
"""Who is told of what, and where Picward may reach: a site that was broken into could wait until nobody is told."""


def test_no_site_is_told_what_is_its_owners_own(platform: Platform) -> None:
    told = {name for name in platform.Settings.model_fields if sees(platform.Settings, name, ChangedBy.PLATFORM)}
    assert "mode" in told and not told & OWNERS_OWN
