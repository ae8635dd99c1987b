"""Two sites with a picture for each way a decision can stand, and whoever may come to any door of Picward."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from flask import Flask

from app.domain.decisions import Verdict
from app.domain.detector import HashEntry, HashKind, ListKind
from app.domain.errors import PlatformRefused
from app.domain.platform import Frame, Site
from app.domain.roles import LIMITED, RIGHTS, Right, Role
from app.domain.settings import ByPlatform, ChangedBy, LinkedSettings, SiteSettings
from app.services.people import accounts, guests, links, sessions, tokens
from app.services.pipeline import enforce
from app.services.review import batches, showing, verdicts
from app.services.rules import lists, policies
from app.services.sites import connecting, sites
from app.services.trying import pictures
from app.web.application import make_application
from tests.contract.samples import held_to_it
from tests.support.core import Bench, PaperPlatform
from tests.support.rehearsal import Rehearsal
from tests.web.house import PICTURE
from tests.web.visitor import acting_site, decided, settle

NOTE = "told by a hotline"
"""What only those may read who see what is restricted."""

OWNERS_OWN = "owners-own"
"""What only an owner may read: it is in the settings of both sites."""

RULES = [
    {"category": "sexual.explicit_nudity", "review": 0.3, "block": 0.6, "mode": "enforce"},
    {"category": "csae.known_hash", "review": 0.5, "block": 0.9, "mode": "enforce"},
    {"category": "self_harm", "review": 0.5, "block": 0.9, "mode": "enforce"},
]

PAGES = "{{ site.name if site else '' }} {{ summary }} {{ values }} {{ fields }} {{ policy_says }} {{ trail }}\n" + "".join(
    f"{{% for one in {name} %}}{{{{ one }}}}{{% endfor %}}" for name in ("waiting", "hidden", "decided")
)
"""A page that shows everything it is given."""


class EstateSettings(LinkedSettings):
    ink: ByPlatform[str] = "black"


class EstatePlatform(PaperPlatform):
    """Have everything that a platform can have: webhooks, doors, guests, and pages of ours inside its own."""

    Settings: ClassVar[type[SiteSettings]] = EstateSettings
    templates: ClassVar[Path]

    def frame(self, site: Site) -> Frame | None:
        return Frame(self.templates, ("https://admin.example",))


@dataclass(frozen=True)
class Subject:
    """A picture by the number of one of its decisions, on one of two sites."""

    name: str
    site_id: str
    values: Mapping[str, Any]
    restricted: bool = False
    two_people: bool = False


@dataclass(frozen=True)
class Caller:
    """Whoever comes: what they bring, and what they are. `site_id` "" is every site; `proves` is the site that they speak for."""

    name: str
    headers: Mapping[str, str] = field(default_factory=dict)
    form_token: str = ""
    role: Role | None = None
    scopes: frozenset[str] | None = None
    site_id: str = ""
    proves: str = ""

    @property
    def side(self) -> ChangedBy:
        owners = self.role is not None or self.scopes is not None
        return ChangedBy.OWNER if owners and not self.site_id else ChangedBy.PLATFORM

    @property
    def sees_restricted(self) -> bool:
        return self.role is not None and Right.REVIEW_RESTRICTED in RIGHTS[self.role]

    def sees(self, site_id: str) -> bool:
        return self.site_id in ("", site_id)


class Estate:
    """Hold all of it, with every platform that there is, and the requests that are rehearsed on it."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench = bench
        EstatePlatform.templates = folder / "pages"
        EstatePlatform.templates.mkdir()
        for page in ("home", "settings", "review", "history", "renew", "trouble"):
            (EstatePlatform.templates / f"{page}.html").write_text(PAGES)
        bench.platform.__class__ = EstatePlatform
        self.samples = {slug: held.sample for slug, held in held_to_it().fit.items()}
        for slug, held in held_to_it().fit.items():
            bench.core.platforms[slug] = held.sample.made(held.platform)  # type: ignore[index]
        self.application: Flask = make_application(bench.core, max_body_bytes=100_000)
        self.application.testing = True
        self.owner_id = self._owner()
        self.own, self.other = self._site("own"), self._site("other")
        self.shared = self._shared()
        self.subjects = [*self._subjects("own", self.own), *self._subjects("other", self.other)]
        own, other = "own restricted, superseded", "other waiting, in force"
        self.few = [next(one for one in self.subjects if one.name == name) for name in (own, other)]
        self.connected = dict(self._connected())
        self.strangers = [
            Caller("a stranger"),
            Caller("a stranger with rubbish", {"Authorization": "Bearer picward_x", "Cookie": "picward=x", "secret": "x"}),
        ]
        self.people, self.programs, self.speakers = list(self._people()), list(self._programs()), list(self._speakers())
        self.rehearsal = Rehearsal(bench.core.db)

    def _owner(self) -> int:
        link = links.setup_link(self.bench.core)
        assert link is not None
        return links.create_owner(self.bench.core, link.rsplit("/", 1)[1], "ada@example.org", "Ada", "correct horse battery")

    def _site(self, name: str) -> Site:
        site = acting_site(self.bench, tell_webhook=f"https://{OWNERS_OWN}.example/", tell_emails=[f"{OWNERS_OWN}@example.org"])
        policies.save(self.bench.core, site.id, RULES, "owner")
        with self.bench.core.db.write() as connection:
            sites.rows.change(connection, site.id, name=f"{name}shop")
        return sites.get(self.bench.core, site.id)

    def _shared(self) -> dict[str, Any]:
        links.invite(self.bench.core, "invited@example.org", "reader", [], "Ada")
        with self.bench.core.db.write() as connection:
            person_id = accounts.rows.add(connection, "spare@example.org", "Spare", "x", Role.READER, 0)
        return {
            "what": "retry",
            "wish": "disable",
            "answer": "keep",
            "token": "x",
            "person_id": person_id,
            "session_id": "x",
            "invitation_id": links.invitations(self.bench.core)[0].id,
            "token_id": tokens.make(self.bench.core, "nightly", list(tokens.Scope), "Ada")[0],
            "tried_id": pictures.begin(self.bench.core, PICTURE, self.owner_id),
            "version": 2,
            "filename": "no-preview.svg",
        }

    def _subjects(self, which: str, site: Site) -> Iterator[Subject]:
        core, platform = self.bench.core, self.bench.platform
        waiting = decided(self.bench, site, f"waits-{which}", 0.4)
        answered = decided(self.bench, site, f"answered-{which}", 0.9)
        binding = verdicts.resolve(core, answered, Verdict.ALLOW, f"Rita at {which}shop", person_id=77)
        platform.trouble["apply"] = PlatformRefused("not allowed there")
        decided(self.bench, site, f"parked-{which}", 0.9)
        del platform.trouble["apply"]
        values = {
            **self.shared,
            "site_id": site.id,
            "parked_id": enforce.parked(core, site.id)[0].id,
            "batch_id": batches.give(core, [waiting], Verdict.ALLOW, "Somebody else", 0),
        }
        chains: dict[str, tuple[list[int], bool, bool]] = {
            "waiting": ([waiting], False, False),
            "answered": ([answered, binding], False, False),
            "restricted": (self._listed(site, f"girl-{which}", "csae.known_hash"), True, True),
            "two people's": (self._listed(site, f"two-{which}", "self_harm"), False, True),
        }
        for name, (ids, restricted, two_people) in chains.items():
            for decision_id in ids if which == "own" else ids[:1]:
                standing = "in force" if decision_id == ids[-1] else "superseded"
                media_id = showing.get(core, decision_id).media.id
                about = {**values, "decision_id": decision_id, "media_id": media_id}
                yield Subject(f"{which} {name}, {standing}", site.id, about, restricted, two_people)

    def _listed(self, site: Site, name: str, category: str) -> list[int]:
        """Have a picture blocked, and then found on a list; give the numbers of both decisions."""
        core = self.bench.core
        first = decided(self.bench, site, name, 0.9)
        entry = HashEntry(HashKind.SHA256, showing.get(core, first).sha256, ListKind.BLOCK, category, NOTE)
        lists.import_entries(core, [entry], "", "Ada")
        lists.compare(core)
        settle(self.bench)
        return [first, showing.current(core, showing.get(core, first)).id]

    def _connected(self) -> Iterator[tuple[str, Site]]:
        """Store a site of each platform that sends something, as its sample has it."""
        for slug, sample in self.samples.items():
            if sample.webhooks:
                site = sample.site()
                with self.bench.core.db.write() as connection:
                    connecting._store_new(self.bench.core, connection, site, "Ada")
                yield slug, site

    def callers(self, *groups: list[Caller]) -> list[Caller]:
        """Give everybody of these groups, and one of each other one: what opens one door opens no other."""
        others = [group[0] for group in (self.strangers, self.people, self.programs, self.speakers) if group not in groups]
        return [*others, *(one for group in groups for one in group)]

    def _people(self) -> Iterator[Caller]:
        for role in Role:
            yield self._person(f"{role}", role)
        for role in sorted(LIMITED):
            yield self._person(f"{role} of the other site", role, self.other.id)
        yield self._person("restricted reviewer of the own site", Role.RESTRICTED, self.own.id)
        core = self.bench.core
        for number, (which, site) in enumerate((("own", self.own), ("other", self.other))):
            link = guests.make_link(core, site, f"{number}", "Grete", "administrator").rsplit("/", 1)[1]
            entered = guests.enter(core, guests.arrive(core, link).token)
            yield self._signed_in(f"a guest of the {which} site", Role.REVIEWER, entered.session, site.id)

    def _programs(self) -> Iterator[Caller]:
        for which, site_id in (("every site", ""), ("the own site", self.own.id), ("the other site", self.other.id)):
            yield self._program(f"a program of {which}", list(tokens.Scope), site_id)
        for scope in tokens.Scope:
            yield self._program(f"a program that may {scope}", [scope])

    def _speakers(self) -> Iterator[Caller]:
        """Yield whoever speaks for a site, or says so."""
        for which, site in (("own", self.own), ("other", self.other)):
            proof = {"picward-site": site.id, "secret": site.secrets[0], "webhook-id": "w1"}
            yield Caller(f"the {which} site", proof, site_id=site.id, proves=site.id)
        forged = {"picward-site": self.own.id, "secret": self.other.secrets[0], "webhook-id": "w1"}
        yield Caller("the other site under the own one's name", forged, site_id=self.other.id)

    def _person(self, name: str, role: Role, site_id: str = "") -> Caller:
        with self.bench.core.db.write() as connection:
            number = accounts.rows.count(connection)
            seen = [site_id] if site_id else []
            person = accounts.rows.add(connection, f"{number}@example.org", f"P{number}", "x", role, 0, seen)
        return self._signed_in(f"a {name}", role, sessions.open_session(self.bench.core, person), site_id)

    def _signed_in(self, name: str, role: Role, session: str, site_id: str) -> Caller:
        person = sessions.signed_in(self.bench.core, session)
        assert person is not None and person.role is role and person.sites == ({site_id} if site_id else frozenset())
        return Caller(name, {"Cookie": f"picward={session}"}, person.form_token, role, site_id=site_id)

    def _program(self, name: str, scopes: list[tokens.Scope], site_id: str = "") -> Caller:
        _, token = tokens.make(self.bench.core, name, scopes, "Ada", site_id=site_id)
        return Caller(name, {"Authorization": f"Bearer {token}"}, scopes=frozenset(scopes), site_id=site_id)

    def policy_version(self, site_id: str) -> int:
        with self.rehearsal.turn():
            return policies.current(self.bench.core, site_id).version

    def sender(self, slug: str) -> Caller:
        """Give whoever sends what a site of this platform sends."""
        return Caller(f"a site of {slug}", site_id=self.connected[slug].id, proves=self.connected[slug].id)

    def signed(self, slug: str, said: Mapping[str, Any] | None) -> dict[str, Any]:
        """Make a request that a site of this platform proves: as one was recorded, with what is said instead."""
        sample = self.samples[slug]
        recorded = sample.recordings()[next(iter(sample.events))]
        connection = self.connected[slug].connection
        body = json.dumps({**json.loads(recorded.body), **connection, **said}).encode() if said is not None else None
        delivery = sample.signed(recorded, at=self.bench.clock() // 1_000_000, body=body)
        headers = {name: value for name, value in delivery.headers.items() if name not in ("host", "content-length")}
        return {"data": delivery.body, "headers": headers}
