"""The tables. Times are UTC microseconds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Enum,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

from app.domain.batches import BatchKind, ItemState
from app.domain.decisions import Action, Verdict
from app.domain.detector import HashKind, ListKind
from app.domain.jobs import SHARE, ScanState, WorkState
from app.domain.platform import Hold, SiteState
from app.domain.roles import LinkPurpose, Role
from app.domain.statistics import Tally
from app.domain.tasks import Task

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite only gives a row id for INTEGER; PostgreSQL needs 64 bits.
Id = BigInteger().with_variant(Integer, "sqlite")

# Compared by its bytes, so that an index finds what a name begins with.
Name = String(200).with_variant(String(200, collation="C"), "postgresql")


def _values(kind: type[StrEnum]) -> list[str]:
    return [member.value for member in kind]


def _one_of(kind: type[StrEnum], characters: int = 16) -> Enum:
    """Store a member as its value and nothing of the enumeration in the database, so that a new member needs no migration."""
    return Enum(kind, native_enum=False, length=characters, values_callable=_values)


class _Hashes(TypeDecorator[tuple[str, ...]]):
    """Some hashes in their order, as JSON; a text to the database, which cannot tell what JSON is distinct."""

    impl = Text
    cache_ok = True
    python_type: Any = tuple[str, ...]

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> str | None:
        return json.dumps(value) if value is not None else None

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        return tuple(json.loads(value)) if value is not None else None


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def _site() -> Column[str]:
    return Column("site_id", String(40), ForeignKey("sites.id"), nullable=False)


sites = Table(
    "sites",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("platform", String(40), nullable=False),
    Column("name", String(200), nullable=False),
    Column("state", _one_of(SiteState), nullable=False),
    Column("secrets", LargeBinary, nullable=False),
    Column("connection", JSON, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("paired_at", BigInteger),
    Column("scanned_at", BigInteger, nullable=False, server_default="0"),
    Column("pulsed_at", BigInteger, nullable=False, server_default="0"),
    Column("replayed_version", Integer, nullable=False, server_default="1"),
    Column("problem", Text, nullable=False, server_default=""),
    Column("found", Text, nullable=False, server_default=""),
    Column("checked_at", BigInteger),
    Column("key", String(200), nullable=False, server_default=""),  # the platform's own name of it, "" for none
    Column("credentials", LargeBinary),  # encrypted JSON
    Column("renewing_until", BigInteger, nullable=False, server_default="0"),  # who holds it renews the credentials
    Column("swept_at", BigInteger, nullable=False, server_default="0"),  # begin of the last reconciliation that ended
    Column("missed", Integer, nullable=False, server_default="0"),  # images that reconciliation found
    Column("skipped", Integer, nullable=False, server_default="0"),  # what was told of, and is no image
    Column("own_key_at", BigInteger, nullable=False, server_default="0"),  # what was signed before is signed with a secret
    Column("unconfirmed", JSON, nullable=False, server_default="[]"),  # settings that the site may have set for itself
    Column("share", Integer, nullable=False, server_default=str(SHARE)),  # rows of it in front of the workers, in each table
    Column("held_until", BigInteger, nullable=False, server_default="0"),  # nothing of it is tried before; 0 when it works
    Column("held_why", _one_of(Hold), nullable=False, server_default=""),
    Column("failures", Integer, nullable=False, server_default="0"),  # of its work, since the last that succeeded
    Index("uq_sites_key", "platform", "key", unique=True, sqlite_where=text("key <> ''"), postgresql_where=text("key <> ''")),
    Index("ix_sites_held", "held_until", **_where("held_until > 0")),
    Index("ix_sites_state", "state", "id"),  # which are connected, and which are not, without reading them
)

# What an eye keeps of the sites' names, as SHA-256: names that share one look alike.
site_looks = Table(
    "site_looks",
    metadata,
    Column("look", String(64), primary_key=True),
    Column("site_id", String(40), ForeignKey("sites.id"), primary_key=True),
    Index("ix_site_looks_site", "site_id"),
)

verification_keys = Table(
    "verification_keys",
    metadata,
    Column("platform", String(40), primary_key=True),
    Column("text", Text, nullable=False, server_default=""),  # as the vendor publishes them, "" before the first time
    Column("fetched_at", BigInteger, nullable=False, server_default="0"),
    Column("tried_at", BigInteger, nullable=False, server_default="0"),
)

# What is due by time. A lease that has not run out is a turn that goes on.
tasks = Table(
    "tasks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("site_id", String(40), nullable=False),  # "" is the house
    Column("kind", _one_of(Task), nullable=False),
    Column("due_at", BigInteger, nullable=False),  # the end of the lease while there is one
    Column("lease_until", BigInteger, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("again", Boolean, nullable=False),  # it was asked for while it had a turn
    Column("failures", Integer, nullable=False),  # in a row
    Column("quiet", Integer, nullable=False),  # turns in a row that found nothing
    Column("problem", Text, nullable=False),
    Column("cursor", Text, nullable=False),  # where the next turn goes on
    UniqueConstraint("site_id", "kind"),
    Index("ix_tasks_due", "due_at", "id", **_where("kind <> 'listen'")),
    Index("ix_tasks_listen", "due_at", "id", **_where("kind = 'listen'")),
)

policies = Table(
    "policies",
    metadata,
    Column("site_id", String(40), ForeignKey("sites.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("rules", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(200), nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    _site(),
    Column("delivery_id", String(200), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("path", Text, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("problem", Text, nullable=False),
    UniqueConstraint("site_id", "delivery_id"),
    Index("ix_deliveries_received", "site_id", "received_at"),
    Index("ix_deliveries_unreadable", "site_id", "id", **_where("problem <> ''")),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Id, primary_key=True),
    _site(),
    Column("media_id", String(400), nullable=False),
    Column("version", String(200), nullable=False),
    Column("round", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("parent", String(400), nullable=False),
    Column("context", JSON, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("state", _one_of(WorkState), nullable=False),
    Column("run_at", BigInteger, nullable=False),
    Column("place", BigInteger, nullable=False, server_default="0"),  # app/db/lines.py
    Column("lease_until", BigInteger, nullable=False),
    Column("token", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("deaths", Integer, nullable=False),  # workers that died or stumbled at it
    Column("problem", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    UniqueConstraint("site_id", "media_id", "version", "round"),
    Index("ix_jobs_behind", "site_id", "priority", "run_at", **_where("state = 'due' AND place = 0")),
    Index("ix_jobs_front", "site_id", **_where("place > 0")),
    Index("ix_jobs_place", "priority", "place", **_where("state = 'due' AND place > 0")),
    Index("ix_jobs_time", "run_at", **_where("state = 'due' AND place < 0")),
    Index("ix_jobs_parent", "site_id", "parent", sqlite_where=text("parent <> ''"), postgresql_where=text("parent <> ''")),
    Index("ix_jobs_busy", "lease_until", sqlite_where=text("state = 'busy'"), postgresql_where=text("state = 'busy'")),
    Index("ix_jobs_queued", "site_id", "created_at", **_where("state IN ('due', 'busy')")),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Id, primary_key=True),
    _site(),
    Column("job_id", Id, ForeignKey("jobs.id"), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("verdict", _one_of(Verdict), nullable=False),
    Column("severity", Integer, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("enforce", Boolean, nullable=False),
    Column("person", String(200), nullable=False),
    Column("policy_version", Integer),
    Column("supersedes", Id, ForeignKey("decisions.id"), unique=True),
    Column("decided_at", BigInteger, nullable=False),
    Column("restored_version", Integer),  # the policy whose word an undo put in force again
    Column("category", String(80), nullable=False, server_default=""),  # of its first reason
    Column("name", Name, nullable=False, server_default=""),  # of the picture, case folded, for the search
    Column("batch", String(32), nullable=False, server_default=""),
    Column("restricted", Boolean, nullable=False, server_default=false()),
    Column("two_people", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("job_id", "policy_version"),
    Index("ix_decisions_sha256", "site_id", "sha256"),
    Index("ix_decisions_job", "job_id"),
    Index("ix_decisions_site", "site_id", "id"),
    Index("ix_decisions_verdict", "verdict", "id"),
    Index("ix_decisions_policy", "policy_version", "id"),
    Index("ix_decisions_decided", "decided_at", "id"),
    Index("ix_decisions_category", "category", "id", **_where("category <> ''")),
    Index("ix_decisions_person", "person", "id", **_where("person <> ''")),
    Index("ix_decisions_batch", "batch", **_where("batch <> ''")),
    Index("ix_decisions_confirmed", "site_id", "sha256", "id", **_where("person <> ''")),
    Index("ix_decisions_blocked", "site_id", "policy_version", **_where("verdict = 'block'")),
    Index("ix_decisions_name", "site_id", "name", **_where("name <> ''")),
)

# What waits for a person: one row per image version, kept by `queue.follow` whenever a decision is stored.
waiting = Table(
    "waiting",
    metadata,
    Column("decision_id", Id, ForeignKey("decisions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("site_id", String(40), ForeignKey("sites.id", ondelete="CASCADE"), nullable=False),
    Column("job_id", Id, nullable=False),
    Column("media_id", String(400), nullable=False),
    Column("parent", String(400), nullable=False),
    Column("rank", Integer, nullable=False),  # 0 is the most severe
    Column("since", BigInteger, nullable=False),
    Column("restricted", Boolean, nullable=False, server_default=false()),
    Column("two_people", Boolean, nullable=False, server_default=false()),
    Column("escalated", Boolean, nullable=False, server_default=false()),
    Column("note", Text, nullable=False, server_default=""),  # of who escalated it
    Column("reviewer", BigInteger, nullable=False, server_default="0"),  # a person's id
    Column("reviewer_name", String(200), nullable=False, server_default=""),
    Column("leased_until", BigInteger, nullable=False, server_default="0"),
    Index("ix_waiting_oldest", "since", "decision_id"),
    Index("ix_waiting_severest", "rank", "since", "decision_id"),
    Index("ix_waiting_seen", "site_id", "restricted", "escalated"),
    Index("ix_waiting_media", "site_id", "media_id"),
    Index("ix_waiting_parent", "site_id", "parent"),
    Index("ix_waiting_reviewer", "reviewer", **_where("reviewer <> 0")),
)

# What one person thinks of a decision that needs two.
opinions = Table(
    "opinions",
    metadata,
    Column("decision_id", Id, ForeignKey("decisions.id", ondelete="CASCADE"), primary_key=True),
    Column("person_id", BigInteger, primary_key=True),
    Column("person", String(200), nullable=False),
    Column("verdict", _one_of(Verdict), nullable=False),
    Column("category", String(80), nullable=False),
    Column("at", BigInteger, nullable=False),
)

skips = Table(
    "skips",
    metadata,
    Column("decision_id", Id, ForeignKey("decisions.id", ondelete="CASCADE"), primary_key=True),
    Column("person_id", BigInteger, primary_key=True),
    Column("at", BigInteger, nullable=False),
)

preferences = Table(
    "preferences",
    metadata,
    Column("person_id", BigInteger, primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("value", JSON, nullable=False),
)

# Many decisions that one person asked for at once; `decisions.batch` names it.
batches = Table(
    "batches",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", _one_of(BatchKind), nullable=False),
    Column("person_id", BigInteger, nullable=False),
    Column("person", String(200), nullable=False),
    Column("rejection", String(8), nullable=False),  # a key of REJECTIONS, or ""
    Column("total", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index("ix_batches_created", "created_at"),
)

batch_items = Table(
    "batch_items",
    metadata,
    Column("batch_id", String(32), ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
    Column("decision_id", Id, ForeignKey("decisions.id", ondelete="CASCADE"), primary_key=True),
    Column("outcome", _one_of(ItemState), nullable=False, server_default=""),
    Index("ix_batch_items_todo", "batch_id", "decision_id", **_where("outcome = ''")),
    Index("ix_batch_items_decision", "decision_id"),
)

# PDQ hashes of pictures that were questioned, cut into 16 pieces of 16 bits, each found by itself: two hashes that differ in
# at most 31 bits agree in one piece up to one bit. No foreign key: a row whose job is gone leads nowhere, and does no harm.
looks = Table(
    "looks",
    metadata,
    Column("piece", Integer, primary_key=True, autoincrement=False),  # its place x 65536 + its bits
    Column("job_id", Id, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

enforcements = Table(
    "enforcements",
    metadata,
    Column("id", Id, primary_key=True),
    _site(),
    Column("decision_id", Id, ForeignKey("decisions.id"), nullable=False),
    Column("media_id", String(400), nullable=False),
    Column("version", String(200), nullable=False),
    Column("parent", String(400), nullable=False),
    Column("action", _one_of(Action), nullable=False),
    Column("state", _one_of(WorkState), nullable=False),
    Column("run_at", BigInteger, nullable=False),
    Column("place", BigInteger, nullable=False, server_default="0"),  # app/db/lines.py
    Column("lease_until", BigInteger, nullable=False),
    Column("token", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("deaths", Integer, nullable=False),  # workers that died or stumbled at it
    Column("undo", JSON),
    Column("problem", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    UniqueConstraint("decision_id", "action"),
    Index("ix_enforcements_media", "site_id", "media_id", "version"),
    Index("ix_enforcements_parent", "site_id", "parent"),
    Index("ix_enforcements_behind", "site_id", "run_at", **_where("state = 'due' AND place = 0")),
    Index("ix_enforcements_front", "site_id", "parent", **_where("place > 0")),
    Index("ix_enforcements_place", "place", **_where("state = 'due' AND place > 0")),
    Index("ix_enforcements_time", "run_at", **_where("state = 'due' AND place < 0")),
    Index("ix_enforcements_busy", "lease_until", sqlite_where=text("state = 'busy'"), postgresql_where=text("state = 'busy'")),
    Index("ix_enforcements_unusual", "state", "decision_id", **_where("state <> 'done'")),
    Index(
        "ix_enforcements_hidden",
        "site_id",
        "ended_at",
        sqlite_where=text("action = 'hide' AND state = 'done'"),
        postgresql_where=text("action = 'hide' AND state = 'done'"),
    ),
    Index("ix_enforcements_parked", "site_id", sqlite_where=text("state = 'parked'"), postgresql_where=text("state = 'parked'")),
)

signals = Table(
    "signals",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("detector", String(80), primary_key=True),
    Column("version", String(80), primary_key=True),
    Column("seen", JSON, nullable=False),
    Column("decoding", Integer, nullable=False, server_default="1"),
)

pictures = Table(
    "pictures",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("pdq", String(64), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("others", _Hashes, nullable=False, server_default="[]"),
)

previews = Table(
    "previews",
    metadata,
    Column("site_id", String(40), ForeignKey("sites.id"), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("clear", LargeBinary, nullable=False),
    Column("blurred", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

hash_entries = Table(
    "hash_entries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("site_id", String(40), nullable=False),  # "" is every site
    Column("list", _one_of(ListKind), nullable=False),
    Column("kind", _one_of(HashKind), nullable=False),
    Column("value", String(64), nullable=False),
    Column("category", String(80), nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(200), nullable=False),
    UniqueConstraint("site_id", "list", "kind", "value"),
)

# Imported entries that decided pictures are still compared with, in the order of their jobs.
comparisons = Table(
    "comparisons",
    metadata,
    Column("id", Id, primary_key=True),
    Column("site_id", String(40), nullable=False),  # "" is every site
    Column("first_entry", BigInteger, nullable=False),
    Column("last_entry", BigInteger, nullable=False),
    Column("after", BigInteger, nullable=False),
)

standings = Table(  # decisions in force, by verdict
    "standings",
    metadata,
    Column("site_id", String(40), ForeignKey("sites.id"), primary_key=True),
    Column("allow", Integer, nullable=False, server_default="0"),
    Column("review", Integer, nullable=False, server_default="0"),
    Column("block", Integer, nullable=False, server_default="0"),
)

counters = Table(
    "counters",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("id", Id, primary_key=True),
    Column("email", String(320), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("password", String(200), nullable=False),
    Column("role", _one_of(Role, 40), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("sites", JSON, nullable=False, server_default="[]"),  # ids; [] is every site
    Column("disabled_at", BigInteger),
)

links = Table(
    "links",
    metadata,
    Column("token", String(64), primary_key=True),  # sha256 of what the link holds
    Column("purpose", _one_of(LinkPurpose, 40), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("person_id", Id),  # whose password it sets
    Column("email", String(320), nullable=False, server_default=""),  # who is invited
    Column("role", String(40), nullable=False, server_default=""),
    Column("sites", JSON, nullable=False, server_default="[]"),
    Column("created_at", BigInteger, nullable=False, server_default="0"),
    Column("created_by", String(200), nullable=False, server_default=""),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token", String(64), primary_key=True),  # sha256 of what the cookie holds
    Column("person_id", Id, ForeignKey("people.id"), nullable=False),
    Column("form_token", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("agent", String(200), nullable=False, server_default=""),  # what the browser calls itself
    Column("seen_at", BigInteger, nullable=False, server_default="0"),
    Column("proven_at", BigInteger, nullable=False, server_default="0"),  # when its password was typed last
    Index("ix_sessions_person", "person_id"),
)

sign_in_tries = Table(
    "sign_in_tries",
    metadata,
    Column("key", String(400), primary_key=True),  # whose tries, or from where
    Column("count", Integer, nullable=False),
    Column("tried_at", BigInteger, nullable=False),
)

known_networks = Table(
    "known_networks",
    metadata,
    Column("person_id", Id, ForeignKey("people.id"), primary_key=True),
    Column("network", String(50), primary_key=True),
    Column("seen_at", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("site_id", String(40), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("action", String(80), nullable=False),
    Column("media_id", String(400), nullable=False),
    Column("text", Text, nullable=False),
    Index("ix_audit_media", "site_id", "media_id"),
)

scans = Table(
    "scans",
    metadata,
    Column("id", Id, primary_key=True),
    _site(),
    Column("cursor", Text, nullable=False),
    Column("total", Integer),
    Column("seen", Integer, nullable=False),
    Column("queued", Integer, nullable=False),
    Column("state", _one_of(ScanState), nullable=False),
    Column("problem", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("run_at", BigInteger, nullable=False, server_default="0"),
    Column("counting", Boolean, nullable=False, server_default=false()),  # a dry run: nothing is queued
    Column("stop_at", Integer, nullable=False, server_default="0"),  # so many queued are enough, 0 for no limit
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", String(64), nullable=False),  # sha256 of the token
    Column("name", String(200), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("site_id", String(40), nullable=False),  # "" is every site
    Column("created_by", String(200), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("used_from", JSON, nullable=False, server_default="[]"),  # the networks that used it on the day of its last use
    UniqueConstraint("digest"),
)

tallies = Table(
    "tallies",
    metadata,
    Column("site_id", String(40), ForeignKey("sites.id"), primary_key=True),
    Column("name", _one_of(Tally, 40), primary_key=True),
    Column("category", String(80), primary_key=True),  # or a verdict, or a span of time; "" for none
    Column("day", Integer, primary_key=True),  # since 1970-01-01, UTC; last, since pages sum one category over many days
    Column("count", BigInteger, nullable=False),
    Index("ix_tallies_day", "day", "name"),  # for all sites together, of which most have nothing
)

notices = Table(
    "notices",
    metadata,
    Column("site_id", String(40), ForeignKey("sites.id"), primary_key=True),
    Column("run_at", BigInteger, nullable=False),  # when the site is looked at next, or the digest is tried again
    Column("covers_until", BigInteger, nullable=False),  # what happened before was told, or is in the digest
    Column("reminded_at", BigInteger, nullable=False, server_default="0"),  # of the queue
    Column("trouble", Text, nullable=False, server_default=""),  # the trouble that was told last
    Column("digest", LargeBinary),  # encrypted JSON, until it is sent or given up
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("problem", Text, nullable=False, server_default=""),
    Column("secret", LargeBinary),  # encrypted; signs what goes to the outgoing webhook
)

tried_pictures = Table(
    "attempts",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("person_id", Id, nullable=False),
    Column("state", _one_of(WorkState), nullable=False),
    Column("picture", LargeBinary),  # encrypted, until it is judged
    Column("answer", LargeBinary),  # encrypted JSON
    Column("shown", LargeBinary),  # encrypted WebP
    Column("created_at", BigInteger, nullable=False),
    Index("ix_attempts_due", "created_at", sqlite_where=text("state = 'due'"), postgresql_where=text("state = 'due'")),
)
