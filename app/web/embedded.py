"""Our pages inside a platform's own administration: proven anew by every request, without cookies.

A platform gives the templates and says who may frame them; nothing here names one. What a template is given:
`page`, `site`, `person` (who visits), `summary` (`sites.summary`), `path(page)`, `data(action)` (the addresses of pages and of
what their scripts fetch), `nonce` (of its scripts), the frame's own `values`, and what the page itself shows (`_SHOWN`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from flask import Blueprint, Response, current_app, jsonify, request, url_for
from jinja2 import Environment, FileSystemLoader
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.exceptions import NotFound

from app.domain.choices import Approach, Choices, compose, read
from app.domain.decisions import Action, Decision, Verdict
from app.domain.errors import (
    ClockWrong,
    DecisionUnknown,
    DeliveryRefused,
    PicwardError,
    SettingsInvalid,
)
from app.domain.limits import Id
from app.domain.names import claim
from app.domain.platform import Doorstep, Frame, Platform, Site
from app.domain.policy import Policy
from app.domain.presets import PRESETS, advised
from app.domain.settings import ChangedBy, declare, values_for
from app.domain.visibility import Visibility
from app.services.pipeline import enforce, scan
from app.services.review import showing, verdicts
from app.services.rules import policies
from app.services.sites import connecting, sites
from app.services.trying import backtest
from app.web import problems
from app.web.security import core, delivery

room = Blueprint("embedded", __name__)

SHOWN_LATELY = 10
"""How many hidden pictures the first page shows, and how many actions that need somebody."""

SHOWN_WAITING = 20
"""How many waiting pictures the review page shows; each is fetched by a request of its own."""


def _home(site: Site) -> dict[str, Any]:
    blocked = showing.recent(core(), site.id, Verdict.BLOCK, SHOWN_LATELY)
    unmade = [(item, showing.get(core(), item.decision_id)) for item in enforce.parked(core(), site.id)[:SHOWN_LATELY]]
    return {
        "unmade": unmade,
        "approach": read(policies.current(core(), site.id)).approach,
        "hidden": [item for item in blocked if item.action == Action.HIDE],
        "scan": scan.last(core(), site.id),
        "estimate": scan.estimate(core(), site.id),
    }


def _settings(site: Site) -> dict[str, Any]:
    policy = policies.current(core(), site.id)
    return {
        "fields": declare(core().platform(site.platform).Settings, ChangedBy.PLATFORM),
        "values": values_for(site.settings, ChangedBy.PLATFORM),
        "policy": policy,
        "policy_says": policies.summarise(policy),
        "presets": PRESETS.values(),
        "approach": read(policy).approach,
        "approaches": declare(Choices)[0]["choices"],
    }


def _review(site: Site) -> dict[str, Any]:
    return {"waiting": showing.waiting(core(), site.id, SHOWN_WAITING), "total": showing.count_waiting(core(), site.id)}


def _history(site: Site) -> dict[str, Any]:
    return {"decided": showing.recent(core(), site.id, limit=50), "trail": sites.trail(core(), site.id, 50, ChangedBy.PLATFORM)}


_SHOWN: Mapping[str, Callable[[Site], dict[str, Any]]] = {
    "home": _home,
    "settings": _settings,
    "review": _review,
    "history": _history,
}
"""The pages, and what each shows besides."""


@room.get("/embedded/<slug>")
@room.get("/embedded/<slug>/<any(settings,review,history,renew):page>")
def page(slug: str, page: str = "home") -> Response:
    """Show a page to an administrator whom the platform vouches for; another visit is sent to get a fresh proof."""
    platform = _framing(slug)
    visit = delivery(request)
    if page == "renew":
        return _turn_away(platform.doorstep(visit))
    try:
        site, person = connecting.visit(core(), slug, visit)
    except ClockWrong as error:
        return _troubled(platform.doorstep(visit), error)
    except DeliveryRefused:
        return _turn_away(platform.doorstep(visit))
    except PicwardError as error:
        return _troubled(platform.doorstep(visit), error)
    frame = platform.frame(site)
    if frame is None:
        raise NotFound
    shown = {"site": site, "person": person, "summary": sites.summary(core(), site.id), **_SHOWN[page](site)}
    return _page(slug, frame, page, **shown)


def _turn_away(step: Doorstep | None) -> Response:
    if step is None:
        raise DeliveryRefused("no proof, and no way to get one")
    if step.location:
        return Response(status=302, headers={"Location": step.location})
    return _page("", step.frame, "renew")


def _troubled(step: Doorstep | None, error: PicwardError) -> Response:
    """Explain inside the frame what keeps the site from being connected."""
    if step is None:
        raise error
    answer = _page("", step.frame, "trouble", problem=str(error))
    answer.status_code = problems.problem_of(error).status
    return answer


def _page(slug: str, frame: Frame, page: str, **shown: Any) -> Response:
    nonce = secrets.token_urlsafe(16)

    def path(name: str) -> str:
        return url_for("embedded.page", slug=slug, page=None if name == "home" else name)

    def data(action: str, **parts: Any) -> str:
        return url_for(f"embedded.{action}", slug=slug, **parts)

    template = _templates(frame.templates).get_template(f"{page}.html")
    text = template.render(page=page, nonce=nonce, path=path, data=data, now=core().now(), **frame.values, **shown)
    answer = Response(text, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = _policy(frame, nonce)
    return answer


def _templates(folder: Path) -> Environment:
    """Overlay the application's own environment with the platform's folder: the same filters, texts and escaping."""
    known: dict[Path, Environment] = current_app.extensions.setdefault("embedded_templates", {})
    if folder not in known:
        known[folder] = current_app.jinja_env.overlay(loader=FileSystemLoader(folder))
    return known[folder]


def _policy(frame: Frame, nonce: str) -> str:
    """Write the page's Content-Security-Policy, the strictest under which the platform's own script can work.

    Its components bring styles of their own, so that inline styles are allowed; scripts are by origin or nonce only.
    """
    theirs = " ".join(frame.scripts)
    rules = {
        "default-src": "'none'",
        "script-src": f"'nonce-{nonce}' {theirs}",
        "style-src": f"'unsafe-inline' {theirs}",
        "font-src": theirs,
        "img-src": f"blob: data: {theirs}",
        "connect-src": f"'self' {theirs}",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": " ".join(frame.ancestors) or "'none'",
    }
    return "; ".join(f"{name} {value}".strip() for name, value in rules.items() if value)


def _framing(slug: str) -> Platform:
    """Look up a platform that shows our pages inside its own; others have no such pages."""
    platform = core().platform(slug)
    if type(platform).frame is Platform.frame:
        raise NotFound
    return platform


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SettingsSent(_Sent):
    values: dict[str, Any]


class PolicySent(_Sent):
    """A trade's preset ("" keeps the levels as they are), and how far the rules may go: as far as now, unless it is said."""

    preset: str = ""
    approach: Approach | None = None
    upon: int


class VerdictSent(_Sent):
    decision_id: Id
    verdict: Literal[Verdict.ALLOW, Verdict.BLOCK]


class DecisionSent(_Sent):
    decision_id: Id


class PictureSent(_Sent):
    clear: bool = False


class Nothing(_Sent):
    """The body of what needs none."""


Body = TypeVar("Body", bound=_Sent)


def _sent(slug: str, shape: type[Body]) -> tuple[Site, str, Body]:
    """Prove what a page's script sends, anew each time: its site, who sends it, and what. Raise `DeliveryRefused`."""
    _framing(slug)
    received = delivery(request)
    site, person = connecting.visit(core(), slug, received)
    try:
        body = shape.model_validate_json(received.body or b"{}")
    except ValidationError as error:
        raise SettingsInvalid.of(error, "What the page sent is not valid", "body") from None
    return site, claim(person), body


def _own(site: Site, decision_id: int) -> Decision:
    found = showing.get(core(), decision_id)
    if found.site_id != site.id or found.restricted:
        raise DecisionUnknown(f"There is no decision {decision_id}.")
    return found


@room.post("/embedded/<slug>/settings")
def save_settings(slug: str) -> Response:
    site, person, sent = _sent(slug, SettingsSent)
    saved = sites.save_settings(core(), site.id, sent.values, person, side=ChangedBy.PLATFORM)
    return jsonify(values=values_for(saved.site.settings, ChangedBy.PLATFORM), warning=saved.untold)


def _drafted(site: Site, sent: PolicySent) -> Policy:
    policy = policies.current(core(), site.id)
    draft = read(policy)
    if sent.preset:
        if sent.preset not in PRESETS:
            raise SettingsInvalid("There is no such preset.", {"preset": "is not one of them"})
        draft = advised(PRESETS[sent.preset], draft)
    rules = compose(replace(draft, approach=sent.approach or read(policy).approach), policy)
    return policies.draft(core(), site.id, [rule.model_dump(mode="json") for rule in rules])


@room.post("/embedded/<slug>/effect")
def foresee(slug: str) -> Response:
    """Foresee what a choice of rules would change among the last decisions; nothing is stored."""
    site, _, sent = _sent(slug, PolicySent)
    draft = _drafted(site, sent)
    found = backtest.try_policy(core(), site.id, draft)
    changes = {change.value: found.changes.get(change, 0) for change in backtest.Change}
    return jsonify(looked_at=found.looked_at, changes=changes, summary=policies.summarise(draft))


@room.post("/embedded/<slug>/policy")
def save_policy(slug: str) -> Response:
    site, person, sent = _sent(slug, PolicySent)
    rules = policies.stored(_drafted(site, sent))
    saved = policies.save(core(), site.id, rules, person, upon=sent.upon, side=ChangedBy.PLATFORM)
    return jsonify(version=saved.version, summary=policies.summarise(saved))


@room.post("/embedded/<slug>/verdict")
def give_verdict(slug: str) -> Response:
    """Decide for a person, or decide otherwise; allow brings back what was hidden."""
    site, person, sent = _sent(slug, VerdictSent)
    _own(site, sent.decision_id)
    within = Visibility((site.id,))
    return jsonify(decision_id=verdicts.resolve(core(), sent.decision_id, sent.verdict, person, within=within, alone=True))


@room.post("/embedded/<slug>/undo")
def undo(slug: str) -> Response:
    """Restore what was in force before a decision, at the platform too."""
    site, person, sent = _sent(slug, DecisionSent)
    _own(site, sent.decision_id)
    return jsonify(decision_id=verdicts.undo(core(), sent.decision_id, person, Visibility((site.id,))))


@room.post("/embedded/<slug>/retry")
def retry(slug: str) -> Response:
    """Try again what the platform refused, after somebody did something about it."""
    site, _, sent = _sent(slug, DecisionSent)
    own = _own(site, sent.decision_id).id
    waiting = [item.id for item in enforce.parked(core(), site.id) if item.decision_id == own]
    return jsonify(retried=any([enforce.retry_parked(core(), action) for action in waiting]))


@room.post("/embedded/<slug>/picture/<int:decision_id>")
def picture(slug: str, decision_id: int) -> Response:
    """Send the blurred picture, or the clear one, which is written to the history; by POST, as it needs the visitor's proof."""
    site, person, sent = _sent(slug, PictureSent)
    shown = showing.preview(core(), _own(site, decision_id).id, person, clear=sent.clear)
    if shown is None:
        raise NotFound
    return Response(shown, mimetype="image/webp")


@room.post("/embedded/<slug>/scan")
def begin_scan(slug: str) -> Response:
    """Queue a look at everything that is already there."""
    site, person, _ = _sent(slug, Nothing)
    scan.ask(core(), site.id, person)
    return jsonify(_progress(site))


@room.post("/embedded/<slug>/progress")
def progress(slug: str) -> Response:
    site, _, _ = _sent(slug, Nothing)
    return jsonify(_progress(site))


def _progress(site: Site) -> dict[str, Any]:
    last = scan.last(core(), site.id)
    if last is None:
        return {"begun": False}
    shown = {"seen": last.seen, "queued": last.queued, "total": last.total, "done": last.done, "running": last.running}
    return {"begun": True, **shown, "stopped": "" if last.running else last.problem}


@room.errorhandler(DeliveryRefused)
def _refused(error: DeliveryRefused) -> Response:
    """Refuse, and have the platform's own script send the request again with a fresh proof where it can."""
    answer = problems.known(error)
    header = core().platform((request.view_args or {})["slug"]).retry_header
    if header and request.method == "POST" and not isinstance(error, ClockWrong):
        answer.headers[header] = "1"
    return answer
