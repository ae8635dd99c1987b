from __future__ import annotations

import base64
import json
from typing import cast

import pytest
from sqlalchemy import text

from app.domain.errors import DeliveryRefused, PairingRefused, PlatformUnavailable, SettingsInvalid, SiteUnknown
from app.domain.platform import SiteState
from app.domain.settings import SiteSettings
from app.services.rules import policies
from app.services.sites import connecting, sites
from tests.support.core import Bench, PaperSettings


def test_a_pairing_code_holds_address_site_and_secret(bench: Bench) -> None:
    site = connecting.add(bench.core, "paper", "Shop", "owner")
    code = connecting.pairing_code(bench.core, site).removeprefix("picward1_")
    told = json.loads(base64.urlsafe_b64decode(code + "=" * (-len(code) % 4)))
    assert told == {"url": "http://picward.test", "site": site.id, "secret": site.secrets[0]}


def test_secrets_are_not_readable_in_the_database(bench: Bench) -> None:
    site = bench.site()
    with bench.core.db.read() as connection:
        stored = connection.execute(text("SELECT secrets FROM sites")).scalar_one()
    assert site.secrets[0].encode() not in stored
    assert site.secrets[0] not in repr(site)


def test_a_site_is_active_only_after_it_was_talked_back_to(bench: Bench) -> None:
    site = connecting.add(bench.core, "paper", "Shop", "owner")
    bench.platform.trouble["check"] = PlatformUnavailable("nobody there")
    with pytest.raises(PlatformUnavailable):
        connecting.admit(bench.core, "paper", bench.signed(site, b""))
    assert sites.get(bench.core, site.id).state is SiteState.PAIRING
    bench.platform.trouble.clear()
    _, found = connecting.admit(bench.core, "paper", bench.signed(site, b""))
    assert found == "Paper is patient"
    assert sites.get(bench.core, site.id).connection == {"seen": True}


def test_an_old_pairing_code_is_refused(bench: Bench) -> None:
    site = connecting.add(bench.core, "paper", "Shop", "owner")
    bench.clock.pass_seconds(25 * 3600)
    with pytest.raises(PairingRefused):
        connecting.admit(bench.core, "paper", bench.signed(site, b""))


def test_a_new_code_makes_the_old_secret_worthless(bench: Bench) -> None:
    site = bench.site()
    connecting.renew_pairing(bench.core, site.id, "owner")
    with pytest.raises(DeliveryRefused):
        connecting.admit(bench.core, "paper", bench.signed(site, b""))


def test_settings_are_checked_field_by_field(bench: Bench) -> None:
    site = bench.site()
    with pytest.raises(SettingsInvalid) as wrong:
        sites.save_settings(bench.core, site.id, {"preview_days": 0, "nonsense": 1}, "owner")
    assert set(wrong.value.fields) == {"preview_days", "nonsense"}
    assert sites.get(bench.core, site.id).settings.preview_days == 30


def test_a_platforms_settings_see_what_they_take_the_place_of(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a platform can remember what the earlier ones said."""
    site = bench.site()
    seen: list[tuple[int, int]] = []

    def after(self: SiteSettings, before: SiteSettings) -> SiteSettings:
        seen.append((before.preview_days, self.preview_days))
        return self.model_copy(update={"preview_days": before.preview_days + self.preview_days})

    monkeypatch.setattr(SiteSettings, "after", after)
    sites.save_settings(bench.core, site.id, {"preview_days": 10}, "owner")
    assert seen == [(30, 10)] and sites.get(bench.core, site.id).settings.preview_days == 40


def test_policies_are_versioned_and_checked(bench: Bench) -> None:
    site = bench.site()
    policy = policies.save(bench.core, site.id, [{"category": "weapons", "review": 0.5, "mode": "review"}], "owner")
    assert policy.version == 2
    for rules in ([{"category": "nonsense"}], [{"category": "weapons", "review": 0.9, "block": 0.1}], "text"):
        with pytest.raises(SettingsInvalid):
            policies.save(bench.core, site.id, rules, "owner")
    assert policies.current(bench.core, site.id).version == 2


def test_a_new_site_starts_with_what_its_platform_says_and_others_keep_the_default(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = connecting.add(bench.core, "paper", "Before", "owner")
    monkeypatch.setattr(PaperSettings, "starting", {"ink": "blue"})
    after = connecting.add(bench.core, "paper", "After", "owner")
    inks = [cast(PaperSettings, sites.get(bench.core, site.id).settings).ink for site in (before, after)]
    assert inks == ["black", "blue"]


def test_a_new_sites_policy_says_that_it_only_watches(bench: Bench) -> None:
    summary = policies.summarise(policies.current(bench.core, bench.site().id))
    assert "only watches 3 other rules (shadow)" in summary
    assert summary.startswith("acts on your block list")


def test_disconnecting_forgets_the_secrets_and_keeps_the_history(bench: Bench) -> None:
    site = bench.site()
    sites.disconnect(bench.core, site.id, "owner")
    with pytest.raises(SiteUnknown):
        sites.get(bench.core, site.id)
    with pytest.raises(DeliveryRefused):
        connecting.admit(bench.core, "paper", bench.signed(site, b""))
    with bench.core.db.read() as connection:
        assert bench.core.vault.open(connection.execute(text("SELECT secrets FROM sites")).scalar_one()) == b"[]"


def test_a_check_is_remembered_for_the_console(bench: Bench) -> None:
    site = bench.site()
    bench.platform.trouble["check"] = PlatformUnavailable("nobody there")
    with pytest.raises(PlatformUnavailable):
        sites.check(bench.core, site.id)
    assert sites.listing(bench.core)[0].problem == "nobody there"
    bench.platform.trouble.clear()
    assert sites.check(bench.core, site.id) == "Paper is patient"
    assert sites.listing(bench.core)[0].problem == ""
