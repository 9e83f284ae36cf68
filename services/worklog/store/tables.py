"""The tables of worklog: the journal with its chains, and what follows from it; its own log is the state's."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from shared.storage.tables import UtcDateTime

metadata = MetaData()


def _where(condition: str) -> dict[str, Any]:
    """Return what makes an index one of the rows that fit the condition."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


journal = Table(
    "journal",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("branch", String(32), nullable=False),
    Column("day", Date, nullable=False, comment="The local date on which it was recorded."),
    Column("n", Integer, nullable=False, comment="Its place in the chain of the branch's day, from 1."),
    Column("event_id", String(128), nullable=False),
    Column("type", String(128), nullable=False),
    Column("source", String(256), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("recorded", UtcDateTime, nullable=False),
    Column("body", Text, nullable=False, comment="The CloudEvent, structured mode, byte for byte as it came."),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False, comment="sha256(prev_hash + body)"),
    UniqueConstraint("branch", "day", "n", name="journal_chain"),
    Index("journal_branch_position", "branch", "position"),
    Index("journal_branch_type", "branch", "type", "position"),
    Index("journal_branch_subject", "branch", "subject", "position"),
    comment="Append-only: every event of every service (W10).",
)

chain = Table(
    "chain",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("earliest", UtcDateTime, comment="When the first of its events happened: a search by time begins here."),
    Column("latest", UtcDateTime, comment="When the last of them happened."),
    comment="The head of each of the journal's chains, so that a cut-off tail is found.",
)

subject = Table(
    "subject",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("producer", String(32), primary_key=True, comment="The service whose log has the subject."),
    Column("subject", String(128), primary_key=True),
    Column(
        "sequence",
        Integer,
        nullable=False,
        comment="Of its last event, also of one that was given up.",
    ),
    comment="How far the journal has come with each subject, so that a gap is noticed.",
)

signature = Table(
    "signature",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("business_date", Date, primary_key=True),
    Column("journal_hash", String(64), nullable=False, comment="The journal's last link when the log was signed."),
    comment="The signed days whose journal had events (W8): who verifies the journal asks of all branches.",
)

figures = Table(
    "figures",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("business_date", Date, primary_key=True),
    Column("managers", Integer, nullable=True, comment="On duty by the roster set last on this day, if one was."),
    Column("body", Text, nullable=False),
    Index("figures_roster", "branch", "business_date", **_where("managers IS NOT NULL")),
    comment="What the events say of a day (W7).",
)

visit = Table(
    "visit",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("visit_id", String(128), primary_key=True),
    Column("channel", String(32), nullable=False, comment="Where it began."),
    Column("ended", Boolean, nullable=False),
    Column("late", Boolean, nullable=False, comment="Counted as heard of only after its day."),
    comment="The visits that are counted, so that each has one beginning and one end.",
)
