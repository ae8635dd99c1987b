"""A site's settings and policy."""

from __future__ import annotations

from http import HTTPStatus

from app.domain import policy as domain
from app.domain.errors import OwnerNeeded, SettingsInvalid, SiteUnknown
from app.domain.settings import declare, values_for
from app.services.people.tokens import Scope, Token
from app.services.rules import policies
from app.services.sites import sites
from app.services.trying import backtest
from app.web.api import shapes
from app.web.api.operations import operation, own
from app.web.security import core


def _settings(site_id: str, token: Token, warning: str = "") -> shapes.Settings:
    site = sites.get(core(), site_id)
    declaration = [shapes.SettingsField(**field) for field in declare(core().platform(site.platform).Settings, token.side)]
    return shapes.Settings(values=values_for(site.settings, token.side), declaration=declaration, warning=warning)


@operation("GET", "/sites/<site_id>/settings", Scope.READ, shapes.Settings, raises=(SiteUnknown,))
def read_settings(token: Token, site_id: str) -> shapes.Settings:
    """Give a site's settings with their declaration: titles, kinds, choices, defaults and bounds.

    A token of this site alone is not told who is told of what, nor whether the site is on the owner's network.
    """
    own(token, site_id)
    return _settings(site_id, token)


@operation(
    "PATCH",
    "/sites/<site_id>/settings",
    Scope.CONFIGURE,
    shapes.Settings,
    body=shapes.SettingsChange,
    raises=(SiteUnknown, SettingsInvalid, OwnerNeeded),
)
def change_settings(token: Token, site_id: str, body: shapes.SettingsChange) -> shapes.Settings:
    """Change some of a site's settings, and hand the platform its copy; a token of this site alone changes only some."""
    own(token, site_id)
    saved = sites.save_settings(core(), site_id, body.values, token.actor, side=token.side)
    return _settings(site_id, token, saved.untold)


def _policy(found: domain.Policy) -> shapes.Policy:
    return shapes.Policy(version=found.version, summary=policies.summarise(found), rules=found.rules)


@operation("GET", "/sites/<site_id>/policy", Scope.READ, shapes.Policy, raises=(SiteUnknown,))
def read_policy(token: Token, site_id: str) -> shapes.Policy:
    """Give the version of a site's policy that is in force."""
    own(token, site_id)
    sites.get(core(), site_id)
    return _policy(policies.current(core(), site_id))


@operation("GET", "/sites/<site_id>/policy/versions", Scope.READ, shapes.PolicyVersions, raises=(SiteUnknown,))
def list_policy_versions(token: Token, site_id: str) -> shapes.PolicyVersions:
    """List every version of a site's policy, newest first."""
    own(token, site_id)
    sites.get(core(), site_id)
    return shapes.PolicyVersions(
        items=[
            shapes.PolicyVersion(**dict(_policy(found)), saved_at=shapes.moment(at), saved_by=who)
            for found, who, at in policies.versions(core(), site_id)
        ]
    )


@operation(
    "POST",
    "/sites/<site_id>/policy",
    Scope.CONFIGURE,
    shapes.Policy,
    status=HTTPStatus.CREATED,
    body=shapes.PolicyChange,
    raises=(SiteUnknown, SettingsInvalid, OwnerNeeded),
)
def save_policy(token: Token, site_id: str, body: shapes.PolicyChange) -> shapes.Policy:
    """Save the next version of a site's policy; what was decided before is decided anew from the stored signals."""
    own(token, site_id)
    rules = [rule.model_dump(mode="json") for rule in body.rules]
    return _policy(policies.save(core(), site_id, rules, token.actor, upon=body.upon, side=token.side))


@operation(
    "POST",
    "/sites/<site_id>/policy/preview",
    Scope.READ,
    shapes.PolicyTried,
    body=shapes.PolicyDraft,
    raises=(SiteUnknown, SettingsInvalid),
)
def preview_policy(token: Token, site_id: str, body: shapes.PolicyDraft) -> shapes.PolicyTried:
    """Say what a draft would change among the site's last decisions; nothing is stored."""
    own(token, site_id)
    sites.get(core(), site_id)
    rules = [rule.model_dump(mode="json") for rule in body.rules]
    return shapes.tried(backtest.try_policy(core(), site_id, policies.draft(core(), site_id, rules)))
