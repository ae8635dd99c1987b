"""Who gets what: every route × whoever may come × each way a decision can stand, on the own site and on another.

The rows are the routes that are served and what they declare, so that none can be left out: a route of a room that is not known
here fails, and so does one whose address has an argument that `estate` has nothing for. Every request meets the same state, and
nothing of it is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from argon2 import PasswordHasher
from werkzeug.routing import IntegerConverter, Rule
from werkzeug.test import TestResponse

from app.domain.decisions import Verdict
from app.domain.platform import Platform
from app.domain.roles import RIGHTS, Right
from app.domain.settings import ChangedBy
from app.services.people import passwords
from app.services.review import showing
from app.web.api.operations import BASE
from app.web.console.guard import needed
from tests.support.core import make_bench
from tests.web.access.estate import NOTE, OWNERS_OWN, Caller, Estate, Subject
from tests.web.programs import BY_NAME
from tests.web.test_access import OF_A_SITE
from tests.web.test_api import FOREIGN, GOOD

TRACES = {"audit", "api_tokens", "deliveries", "sessions", "sign_in_tries"}
"""What a refusal may leave behind: who was here, and which request of a proven site it was."""

REFUSED = {"sign in": {303}, "no token": {401}, "forbidden": {403}, "absent": {404}, "unproven": {302, 401, 404}}
"""How each refusal looks. A visit without a proof is led to where the platform's own script gets one."""


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    folder = tmp_path_factory.mktemp("estate")
    bench = make_bench(folder)
    with mock.patch.object(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)):
        passwords._nobody.cache_clear()
        yield Estate(bench, folder)
    passwords._nobody.cache_clear()
    bench.core.db.close()


@dataclass(frozen=True)
class Call:
    """One request, and how it is to end: refused in one of the ways of `REFUSED`, or "" where it must reach the view.

    `no` are statuses by which a view that was reached may refuse all the same. What is `noted` leaves a line in the trail:
    exports, the use of tokens, settings that a site saves.
    """

    rule: Rule
    method: str
    path: str
    caller: Caller
    subject: Subject
    refused: str = ""
    no: Collection[int] = ()
    sent: Mapping[str, Any] = field(default_factory=dict)
    noted: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.rule.rule} by {self.caller.name} about {self.subject.name}"


# What each room is asked


def _rules(estate: Estate, room: str) -> Iterator[tuple[Rule, str]]:
    for rule in sorted(estate.application.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.endpoint.rpartition(".")[0] == room:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def _path(estate: Estate, rule: Rule, values: Mapping[str, Any]) -> str:
    unknown = rule.arguments - set(values)
    assert not unknown, f"say in `estate` what stands for {unknown} of {rule.rule}"
    return estate.application.url_map.bind("localhost").build(rule.endpoint, {name: values[name] for name in rule.arguments})


def _console(estate: Estate) -> Iterator[Call]:
    with estate.application.app_context():
        declared = {rule.endpoint: needed(rule.endpoint) for rule, _ in _rules(estate, "console")}
    for rule, method in _rules(estate, "console"):
        right, named = declared[rule.endpoint], rule.arguments & OF_A_SITE
        for subject in estate.subjects if "decision_id" in rule.arguments else estate.few:
            decision_id = subject.values["decision_id"]
            # What a view takes besides its address names the subject, too, whatever the view calls it.
            query = {} if named else {"site": subject.site_id, "stale": decision_id, "before": decision_id + 1, "replaced": "1"}
            form = {} if named else {"site": subject.site_id, "also": decision_id, "confirmed": "1"}
            for caller in estate.callers(estate.people):
                unseen = named and not caller.sees(subject.site_id)
                secret = "decision_id" in named and subject.restricted and not caller.sees_restricted
                refused = ""
                if right is not None and caller.role is None:
                    refused = "sign in"
                elif right is not None and caller.role and right not in RIGHTS[caller.role]:
                    refused = "forbidden"
                elif unseen or secret:
                    refused = "absent"
                data = {"form_token": caller.form_token, "verdict": "allow", **form}
                sent = {"data": data} if method == "POST" else {"query_string": query}
                no, path = _console_says_no(rule, subject, public=right is None), _path(estate, rule, subject.values)
                yield Call(rule, method, path, caller, subject, refused, no, sent, noted=right is Right.EXPORT)


def _console_says_no(rule: Rule, subject: Subject, *, public: bool) -> Collection[int]:
    """Give the statuses by which a view says no to somebody who may come to it."""
    if public:
        return {403, 404, 303}  # of a wrong password, a used link
    if rule.endpoint == "console.prove":
        return {403}  # asks for the password
    if rule.endpoint in ("console.statement", "console.statement_json"):
        return set() if subject.two_people else {404}  # of what is blocked only
    # Nobody has a preview of what is restricted; and what is named besides the address may not be there for all.
    return {404} if rule.endpoint == "console.preview" or not rule.arguments & OF_A_SITE else set()


def _api(estate: Estate) -> Iterator[Call]:
    for rule, method in _rules(estate, "api"):
        if rule.endpoint == "api.openapi":
            yield from (Call(rule, method, rule.rule, caller, estate.few[0]) for caller in estate.callers(estate.programs))
            continue
        made = BY_NAME[rule.endpoint.removeprefix("api.")]
        for subject in estate.subjects if "decision_id" in rule.arguments else estate.few:
            known = {name: subject.values["decision_id"] for name in ("blocked", "waiting")}
            world: Any = SimpleNamespace(bench=estate.bench, site=SimpleNamespace(id=subject.site_id), **known)
            with estate.rehearsal.turn():
                good = GOOD[made.name](world)
            whole = {"media_id": subject.values["media_id"], "limit": 200}
            good["query"] = {name: whole.get(name, value) for name, value in good.get("query", {}).items()}
            # Two people decide, and a program is none; how far the rules may go is no site's to say.
            no = {403} if subject.two_people or made.name == "save_policy" else set()
            secret = "decision_id" in rule.arguments and subject.restricted
            for caller in estate.callers(estate.programs):
                unseen = (rule.arguments & OF_A_SITE or made.name in FOREIGN) and not caller.sees(subject.site_id)
                refused = ""
                if caller.scopes is None:
                    refused = "no token"
                elif made.scope not in caller.scopes:
                    refused = "forbidden"
                elif unseen or secret:
                    refused = "absent"
                path = BASE + made.path.format(**{name: good[name] for name in made.parameters})
                sent = {"query_string": good["query"], **({"json": good["body"]} if "body" in good else {})}
                yield Call(rule, method, path, caller, subject, refused, no, sent, noted=True)


EMBEDDED: dict[str, Callable[[Subject, int], dict[str, Any]]] = {
    "save_settings": lambda subject, version: {"values": {"ink": "red"}},
    "foresee": lambda subject, version: {"preset": "", "upon": version},
    "save_policy": lambda subject, version: {"preset": "", "upon": version},
    "give_verdict": lambda subject, version: {"decision_id": subject.values["decision_id"], "verdict": "allow"},
    "undo": lambda subject, version: {"decision_id": subject.values["decision_id"]},
    "retry": lambda subject, version: {"decision_id": subject.values["decision_id"]},
    "picture": lambda subject, version: {"clear": True},
    "begin_scan": lambda subject, version: {},
    "progress": lambda subject, version: {},
}
"""What each action of an embedded page is sent."""


def _embedded(estate: Estate) -> Iterator[Call]:
    for rule, method in _rules(estate, "embedded"):
        body = EMBEDDED[rule.endpoint.removeprefix("embedded.")] if method == "POST" else None
        of_decision = "decision_id" in {*rule.arguments, *(body(estate.few[0], 1) if body else ())}
        pages = ("settings", "review", "history", "renew") if "page" in rule.arguments else ("",)
        for slug, page in ((slug, page) for slug in estate.bench.core.platforms for page in pages):
            for subject in estate.subjects if of_decision and slug == "paper" else estate.few[:1]:
                path = _path(estate, rule, {**subject.values, "slug": slug, "page": page})
                sent = {"json": body(subject, estate.policy_version(subject.site_id))} if body else {}
                for caller in estate.callers(estate.speakers):
                    refused = "" if caller.proves and slug == "paper" and page != "renew" else "unproven"
                    if not refused and of_decision and (caller.proves != subject.site_id or subject.restricted):
                        refused = "absent"
                    no = {200} if page == "renew" else {409} if subject.two_people else set()
                    yield Call(rule, method, path, caller, subject, refused, no, sent)


NOWHERE = "http://127.0.0.1:9/wp-json/"
"""An address that no site may have, so that nobody is called."""

VERSIONS = {"wp": "6.6", "php": "8.2", "plugin": "0.1.0"}

DOOR: dict[str, Callable[[Subject], dict[str, Any]]] = {
    "connect": lambda subject: {"type": "connect", "rest_url": NOWHERE, "name": "A site", **VERSIONS},
    "settings": lambda subject: {"type": "settings.save", "values": {"ink": "red"}, "person": "Ada"},
    "summary": lambda subject: {"type": "summary.read"},
    "history": lambda subject: {"type": "history.read", "media_id": subject.values["media_id"]},
    "link": lambda subject: {"type": "link.make", "person": {"id": "9", "name": "Eva", "role": "administrator"}},
}
"""What each room of the door is sent."""


Body = Callable[[Subject], dict[str, Any]]


def _proven(estate: Estate, rule: Rule, method: str, body: Body | None = None) -> Iterator[Call]:
    """Ask what a site's own proof opens, at every platform: by who has none there, and by a site of that platform."""
    for slug, platform in estate.bench.core.platforms.items():
        for subject in estate.subjects if body and slug == "paper" else estate.few[:1]:
            path, said = _path(estate, rule, {"slug": slug}), body(subject) if body else None
            for caller in estate.callers(estate.speakers):
                refused = "" if caller.proves and slug == "paper" else "unproven"
                sent = {"json": {"id": "d1", "media": []} if said is None else said}
                noted = said is not None and said["type"] in ("connect", "settings.save")
                yield Call(rule, method, path, caller, subject, refused, sent=sent, noted=noted)
            if slug in estate.connected:
                refused = "" if platform.uses_door or body is None else "unproven"
                yield Call(rule, method, path, estate.sender(slug), subject, refused, sent=estate.signed(slug, said))


def _door(estate: Estate) -> Iterator[Call]:
    for rule, method in _rules(estate, "door"):
        yield from _proven(estate, rule, method, DOOR[rule.endpoint.removeprefix("door.")])


def _webhooks(estate: Estate) -> Iterator[Call]:
    for rule, method in _rules(estate, "webhooks"):
        yield from _proven(estate, rule, method)


def _open(room: str) -> Callable[[Estate], Iterator[Call]]:
    def calls(estate: Estate) -> Iterator[Call]:
        for rule, method in _rules(estate, room):
            for caller in estate.callers():
                yield Call(rule, method, _path(estate, rule, estate.few[0].values), caller, estate.few[0])

    return calls


ROOMS: dict[str, Callable[[Estate], Iterator[Call]]] = {
    "console": _console,
    "api": _api,
    "embedded": _embedded,
    "door": _door,
    "webhooks": _webhooks,
    "health": _open("health"),
    "": _open(""),
}
"""How each blueprint decides who is let in. "" is what is the same for everybody: style sheets and scripts."""


def test_every_route_belongs_to_a_room_of_the_table(estate: Estate) -> None:
    rooms = {rule.endpoint.rpartition(".")[0] for rule in estate.application.url_map.iter_rules()}
    assert rooms == set(ROOMS), "say in ROOMS how it decides who is let in"
    assert {rule.endpoint for rule, _ in _rules(estate, "")} == {"static"}
    assert set(DOOR) == {rule.endpoint.removeprefix("door.") for rule, _ in _rules(estate, "door")}
    framing = [slug for slug, one in estate.bench.core.platforms.items() if type(one).frame is not Platform.frame]
    assert len(framing) > 1 and len(estate.connected) > 3, "the table has no real platform in it"


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room or "static")
def test_whoever_comes_gets_what_is_theirs_and_nothing_else(estate: Estate, room: str, tell: Callable[..., None]) -> None:
    wrong: list[str] = []
    ended: Counter[str] = Counter()
    for call in ROOMS[room](estate):
        with estate.rehearsal.turn():
            answer = _ask(estate, call)
            text = answer.get_data(as_text=True)
            wrong += (f"{call}: {what}" for what in (*_misled(estate, call, answer), *_told(estate, call, text)))
            if "decisions" in estate.rehearsal.written:
                wrong += (f"{call}: it settled {name}" for name in _settled(estate))
        ended["reached" if not call.refused else "refused"] += 1
    assert wrong == []
    assert ended["reached"] and (ended["refused"] or room in ("health", "")), "nothing was proven"
    tell("every route, by whoever comes", calls=ended.total(), refused=ended["refused"], reached=ended["reached"])


def _ask(estate: Estate, call: Call) -> TestResponse:
    sent = {**call.sent, "headers": {**call.caller.headers, **call.sent.get("headers", {})}}
    client = estate.application.test_client(use_cookies=False)
    return client.open(call.path, method=call.method, buffered=True, **sent)


def _misled(estate: Estate, call: Call, answer: TestResponse) -> Iterator[str]:
    """Say what is wrong with an answer's status, and with what it left behind."""
    status = answer.status_code
    sent_away = status == 303 and (answer.location or "").startswith("/sign-in") and "sessions" not in estate.rehearsal.written
    if status >= 500:
        yield f"broke with {status}"
    elif call.refused:
        looks = REFUSED[call.refused]
        if status not in {*looks, *call.no} or (call.refused == "sign in") is not sent_away:
            yield f"{status} instead of being refused ({call.refused})"
        if left := estate.rehearsal.written - TRACES:
            yield f"it was refused and wrote to {left}"
    elif (status in {401, 403, 404, 405} or sent_away) and status not in call.no:
        yield f"{status} instead of being let in"
    elif call.noted and status not in call.no and "audit" not in estate.rehearsal.written:
        yield "it left no line in the trail"


def _told(estate: Estate, call: Call, text: str) -> Iterator[str]:
    """Find what this caller may not read. What they named themselves says nothing."""
    asked = f"{call.path} { ({name: value for name, value in call.sent.items() if name != 'headers'}) }"
    words = set()
    if not call.caller.sees_restricted:
        words |= {NOTE, "girl-own", "girl-other"}
    if call.caller.side is ChangedBy.PLATFORM:
        words.add(OWNERS_OWN)
    for which, site in (("own", estate.own), ("other", estate.other)):
        if not call.caller.sees(site.id) or call.caller in estate.strangers:
            words |= {site.id, f"{which}shop", f"waits-{which}", f"answered-{which}", f"two-{which}", f"parked-{which}"}
    yield from (f"it tells {word!r}" for word in words if word in text and word not in asked)


def _settled(estate: Estate) -> Iterator[str]:
    """Name the pictures that two people decide and one call let out."""
    for subject in estate.subjects:
        if subject.two_people:
            named = showing.get(estate.bench.core, subject.values["decision_id"])
            if showing.current(estate.bench.core, named).verdict is not Verdict.BLOCK:
                yield subject.name


HUGE = (2**63, 10**30)
"""Numbers that no database holds."""


def test_numbers_that_no_database_holds_name_nothing(estate: Estate, tell: Callable[..., None]) -> None:
    """In every address that has a number, and in what actions of embedded pages are sent."""
    wrong, asked = [], 0
    for room in ("console", "api", "embedded"):
        for call in {f"{call.method} {call.rule}": call for call in ROOMS[room](estate) if not call.refused}.values():
            numbers = {name for name, one in call.rule._converters.items() if isinstance(one, IntegerConverter)}
            body = call.sent.get("json", {}).get("decision_id")
            for huge in HUGE if numbers or body else ():
                path = re.sub(r"<int(?:\([^)]*\))?:\w+>", str(huge), call.rule.rule) if numbers else call.path
                values = {**call.subject.values, "slug": "paper", "page": "settings"}
                path = re.sub(r"<(?:[^<>]*:)?(\w+)>", lambda found: str(values[found[1]]), path)  # noqa: B023
                sent = {**call.sent, "json": {**call.sent["json"], "decision_id": huge}} if body else call.sent
                with estate.rehearsal.turn():
                    answer = _ask(estate, replace(call, path=path, sent=sent))
                wrong += [f"{call}: {answer.status_code}"] if answer.status_code not in (404, 405, 422) else []
                asked += 1
    assert wrong == []
    assert asked > 40
    tell("numbers of more than 64 bits", cases=asked)
