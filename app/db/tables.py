"""The tables. Times are UTC microseconds; states are the values of `app.domain.jobs.WorkState` and its neighbours."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

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


def _site() -> Column[str]:
    return Column("site_id", String(40), ForeignKey("sites.id"), nullable=False)


sites = Table(
    "sites",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("platform", String(40), nullable=False),
    Column("name", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("secrets", LargeBinary, nullable=False),
    Column("connection", JSON, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("paired_at", BigInteger),
    Column("claimed_at", BigInteger, nullable=False, server_default="0"),
    Column("scanned_at", BigInteger, nullable=False, server_default="0"),
    Column("pulsed_at", BigInteger, nullable=False, server_default="0"),
    Column("replayed_version", Integer, nullable=False, server_default="1"),
    Column("problem", Text, nullable=False, server_default=""),
    Column("found", Text, nullable=False, server_default=""),
    Column("checked_at", BigInteger),
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
    Column("state", String(16), nullable=False),
    Column("run_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("token", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("deaths", Integer, nullable=False),  # workers that died or stumbled at it
    Column("problem", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    UniqueConstraint("site_id", "media_id", "version", "round"),
    Index(
        "ix_jobs_due", "site_id", "priority", "run_at", sqlite_where=text("state = 'due'"), postgresql_where=text("state = 'due'")
    ),
    Index("ix_jobs_busy", "lease_until", sqlite_where=text("state = 'busy'"), postgresql_where=text("state = 'busy'")),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Id, primary_key=True),
    _site(),
    Column("job_id", Id, ForeignKey("jobs.id"), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("severity", Integer, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("enforce", Boolean, nullable=False),
    Column("person", String(200), nullable=False),
    Column("policy_version", Integer),
    Column("supersedes", Id, ForeignKey("decisions.id"), unique=True),
    Column("decided_at", BigInteger, nullable=False),
    UniqueConstraint("job_id", "policy_version"),
    Index("ix_decisions_sha256", "site_id", "sha256"),
    Index("ix_decisions_job", "job_id"),
    Index(
        "ix_decisions_review",
        "site_id",
        "severity",
        "decided_at",
        sqlite_where=text("verdict = 'review'"),
        postgresql_where=text("verdict = 'review'"),
    ),
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
    Column("action", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("run_at", BigInteger, nullable=False),
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
    Index("ix_enforcements_due", "run_at", sqlite_where=text("state = 'due'"), postgresql_where=text("state = 'due'")),
    Index("ix_enforcements_busy", "lease_until", sqlite_where=text("state = 'busy'"), postgresql_where=text("state = 'busy'")),
    Index("ix_enforcements_parked", "site_id", sqlite_where=text("state = 'parked'"), postgresql_where=text("state = 'parked'")),
)

signals = Table(
    "signals",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("detector", String(80), primary_key=True),
    Column("version", String(80), primary_key=True),
    Column("seen", JSON, nullable=False),
)

pictures = Table(
    "pictures",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("pdq", String(64), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
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
    Column("list", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("value", String(64), nullable=False),
    Column("category", String(80), nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(200), nullable=False),
    UniqueConstraint("site_id", "list", "kind", "value"),
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
    Column("role", String(40), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

links = Table(
    "links",
    metadata,
    Column("token", String(64), primary_key=True),  # sha256 of what the link holds
    Column("purpose", String(40), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token", String(64), primary_key=True),  # sha256 of what the cookie holds
    Column("person_id", Id, ForeignKey("people.id"), nullable=False),
    Column("form_token", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

sign_in_tries = Table(
    "sign_in_tries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", String(400), nullable=False),
    Column("tried_at", BigInteger, nullable=False),
    Index("ix_sign_in_tries_key", "key", "tried_at"),
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
    Column("state", String(16), nullable=False),
    Column("problem", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
