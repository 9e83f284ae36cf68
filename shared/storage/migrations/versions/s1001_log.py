"""The log, the inbox, cursors, answers and dead letters of every service."""

import sqlalchemy as sa
from alembic import op

from shared.storage.tables import UtcDateTime

revision = "s1001"
down_revision = None
branch_labels = ("storage",)
depends_on = None


def upgrade() -> None:
    """Create the common tables and the 64 heads."""
    head = op.create_table(
        "log_head",
        sa.Column("pp", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("pos", sa.BigInteger, nullable=False),
        comment="The last position of each partition; its row lock makes positions gapless and commits ordered.",
    )
    op.bulk_insert(head, [{"pp": pp, "pos": 0} for pp in range(64)])
    op.create_table(
        "log",
        sa.Column("pp", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("pos", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.String(128), nullable=False),
        sa.Column("branch", sa.String(32), nullable=False),
        sa.Column("type", sa.String(128), nullable=False),
        sa.Column("source", sa.String(256), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("correlation", sa.String(128), nullable=False),
        sa.Column("recorded", UtcDateTime, nullable=False),
        sa.Column(
            "own", sa.Boolean, nullable=False, comment="Whether the relay publishes it; the gateway holds others' too."
        ),
        sa.Column(
            "body", sa.Text, nullable=False, comment="The CloudEvent, structured mode, byte for byte as published."
        ),
        sa.UniqueConstraint("event_id", name="log_event_id"),
        sa.UniqueConstraint("subject", "sequence", "source", name="log_subject_sequence"),
        comment="Append-only: every event of the service.",
    )
    op.create_table(
        "snapshot",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("pos", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("version", sa.Integer, nullable=False, comment="Of the state's form; others are not read."),
        sa.Column("recorded", UtcDateTime, nullable=False, comment="When the event at this position was recorded."),
        sa.Column("body", sa.LargeBinary, nullable=False, comment="The state, zlib."),
        comment="A branch's state at a position of its log; the log makes any of them anew.",
    )
    op.create_table(
        "due",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("at", UtcDateTime, nullable=False),
        comment="When the clock alone may change something of a branch: a look at the clock reads only these.",
    )
    op.create_index("due_at", "due", ["at"])
    op.create_index("log_correlation", "log", ["correlation"])
    op.create_index("log_branch_pos", "log", ["branch", "pos"])
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.String(128), primary_key=True),
        sa.Column("at", UtcDateTime, nullable=False),
        comment="The events that were handled, in the transaction that handled them.",
    )
    op.create_index("inbox_at", "inbox", ["at"])
    op.create_table(
        "cursor",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("pp", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("pos", sa.BigInteger, nullable=False),
        comment="How far each reader of a log has come.",
    )
    op.create_table(
        "idempotency",
        sa.Column("actor", sa.String(128), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=True, comment="The answer; null where it had no body."),
        sa.Column("at", UtcDateTime, nullable=False),
        comment="The answers to commands that carried an Idempotency-Key.",
    )
    op.create_index("idempotency_at", "idempotency", ["at"])
    op.create_table(
        "attempt",
        sa.Column(
            "message", sa.String(128), primary_key=True, comment="The event's id, or a hash of an unreadable message."
        ),
        sa.Column("attempts", sa.Integer, nullable=False),
        comment="Counted before a redelivered message is tried: a message that kills the process is found out.",
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("queue", sa.String(128), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("event_id", sa.String(128)),
        sa.Column("branch", sa.String(32)),
        sa.Column("type", sa.String(128)),
        sa.Column("subject", sa.String(128)),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("content_type", sa.String(255)),
        sa.Column("headers", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False, comment="parked, resolved or discarded"),
        sa.Column("blocks", sa.Boolean, nullable=False, comment="Whether later events of the subject wait behind it."),
        sa.Column("published", sa.Boolean, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        comment="Messages that this service could not handle.",
    )
    op.create_index("dead_letter_subject", "dead_letter", ["subject", "state"])
    op.create_index("dead_letter_published", "dead_letter", ["published"])
    op.create_table(
        "parked",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("event_id", sa.String(128), nullable=False, unique=True),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        comment="Events that wait behind a dead letter of their subject.",
    )
    op.create_index("ix_parked_subject", "parked", ["subject"])


def downgrade() -> None:
    """Remove the tables; only for an empty system, since the log is the truth."""
    for table in (
        "parked",
        "dead_letter",
        "attempt",
        "idempotency",
        "cursor",
        "inbox",
        "due",
        "snapshot",
        "log",
        "log_head",
    ):
        op.drop_table(table)
