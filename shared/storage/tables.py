"""The tables that every service has. Names carry no schema: a connection knows its service's."""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time: ``timestamptz`` on PostgreSQL, a UTC time without its zone on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time; SQLite stores UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give UTC back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()


def _by_time(name: str) -> Index:
    """Return an index of a table whose rows come in the order of their time: a tree would be a record more of each."""
    return Index(name, "at", postgresql_using="brin", postgresql_with={"pages_per_range": 2})


log_head = Table(
    "log_head",
    metadata,
    Column("pp", SmallInteger, primary_key=True, autoincrement=False),
    Column("pos", BigInteger, nullable=False),
    comment="The last position of each partition; its row lock makes positions gapless and commits ordered.",
)

log = Table(
    "log",
    metadata,
    Column("pp", SmallInteger, primary_key=True, autoincrement=False),
    Column("pos", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", String(128), nullable=False),
    Column("branch", String(32), nullable=False),
    Column("type", String(128), nullable=False),
    Column("source", String(256), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("correlation", String(128), nullable=False),
    Column("recorded", UtcDateTime, nullable=False),
    Column("own", Boolean, nullable=False, comment="Whether the relay publishes it; the gateway holds others' too."),
    Column("body", Text, nullable=False, comment="The CloudEvent, structured mode, byte for byte as published."),
    UniqueConstraint("event_id", name="log_event_id"),
    UniqueConstraint("subject", "sequence", "source", name="log_subject_sequence"),
    Index("log_correlation", "correlation"),
    Index("log_branch_pos", "branch", "pos"),
    comment="Append-only: every event of the service.",
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("pos", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False, comment="Of the state's form; others are not read."),
    Column("recorded", UtcDateTime, nullable=False, comment="When the event at this position was recorded."),
    Column("body", LargeBinary, nullable=False, comment="The state, zlib."),
    comment="A branch's state at a position of its log; the log makes any of them anew.",
)

due = Table(
    "due",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Index("due_at", "at"),
    comment="When the clock alone may change something of a branch: a look at the clock reads only these.",
)

inbox = Table(
    "inbox",
    metadata,
    Column("event_id", String(128), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    _by_time("inbox_at"),
    comment="The events that were handled, in the transaction that handled them.",
)

cursor = Table(
    "cursor",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("pp", SmallInteger, primary_key=True, autoincrement=False),
    Column("pos", BigInteger, nullable=False),
    comment="How far each reader of a log has come.",
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("actor", String(128), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("body", Text, nullable=True, comment="The answer; null where it had no body."),
    Column("at", UtcDateTime, nullable=False),
    _by_time("idempotency_at"),
    comment="The answers to commands that carried an Idempotency-Key.",
)

attempt = Table(
    "attempt",
    metadata,
    Column("message", String(128), primary_key=True, comment="The event's id, or a hash of an unreadable message."),
    Column("attempts", Integer, nullable=False),
    comment="Counted before a redelivered message is tried: a message that kills the process is found out.",
)

dead_letter = Table(
    "dead_letter",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("queue", String(128), nullable=False),
    Column("code", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("event_id", String(128)),
    Column("branch", String(32)),
    Column("type", String(128)),
    Column("subject", String(128)),
    Column("body", LargeBinary, nullable=False),
    Column("content_type", String(255)),
    Column("headers", Text, nullable=False),
    Column("state", String(16), nullable=False, comment="parked, resolved or discarded"),
    Column("blocks", Boolean, nullable=False, comment="Whether later events of the subject wait behind it."),
    Column("published", Boolean, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("dead_letter_subject", "subject", "state"),
    Index("dead_letter_published", "published"),
    comment="Messages that this service could not handle.",
)

parked = Table(
    "parked",
    metadata,
    Column("n", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("event_id", String(128), nullable=False, unique=True),
    Column("subject", String(128), nullable=False, index=True),
    Column("body", Text, nullable=False),
    comment="Events that wait behind a dead letter of their subject.",
)
