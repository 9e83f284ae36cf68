"""The journal, the days and their figures (W1, W3, W7, W8, W10)."""

import sqlalchemy as sa
from alembic import op

from shared.storage.types import UtcDateTime

revision = "w0001"
down_revision = None
branch_labels = ("worklog",)
depends_on = ("s1001",)


def upgrade() -> None:
    op.create_table(
        "journal",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("branch", sa.String(32), nullable=False),
        sa.Column("day", sa.Date, nullable=False, comment="The local date on which it was recorded."),
        sa.Column("n", sa.Integer, nullable=False, comment="Its place in the chain of the branch's day, from 1."),
        sa.Column("event_id", sa.String(128), nullable=False),
        sa.Column("type", sa.String(128), nullable=False),
        sa.Column("source", sa.String(256), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("time", UtcDateTime, nullable=False),
        sa.Column("recorded", UtcDateTime, nullable=False),
        sa.Column(
            "body", sa.Text, nullable=False, comment="The CloudEvent, structured mode, byte for byte as it came."
        ),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, comment="sha256(prev_hash + body)"),
        sa.UniqueConstraint("branch", "day", "n", name="journal_chain"),
        comment="Append-only: every event of every service (W10).",
    )
    op.create_index("journal_branch_position", "journal", ["branch", "position"])
    op.create_index("journal_branch_time", "journal", ["branch", "time"])
    op.create_index("journal_subject", "journal", ["subject", "sequence"])
    op.create_table(
        "chain",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        comment="The head of each of the journal's chains, so that a cut-off tail is found.",
    )
    op.create_table(
        "subject",
        sa.Column("producer", sa.String(32), primary_key=True, comment="The service whose log has the subject."),
        sa.Column("subject", sa.String(128), primary_key=True),
        sa.Column("sequence", sa.Integer, nullable=False, comment="Of its last event in the journal."),
        comment="How far the journal has come with each subject, so that a gap is noticed.",
    )
    op.create_table(
        "day",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("business_date", sa.Date, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False, comment="The sequence of its last event."),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("journal_hash", sa.String(64), nullable=True, comment="What the log was signed with."),
        sa.Column("body", sa.Text, nullable=False),
        comment="What people wrote into the log of a day (W1, W3, W7, W8).",
    )
    op.create_table(
        "figures",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("business_date", sa.Date, primary_key=True),
        sa.Column(
            "managers", sa.Integer, nullable=True, comment="On duty by the roster set last on this day, if one was."
        ),
        sa.Column("body", sa.Text, nullable=False),
        comment="What the events say of a day (W7).",
    )
    op.create_table(
        "visit",
        sa.Column("visit_id", sa.String(128), primary_key=True),
        sa.Column("branch", sa.String(32), nullable=False),
        sa.Column("channel", sa.String(32), nullable=False, comment="Where it began."),
        sa.Column("ended", sa.Boolean, nullable=False),
        comment="The visits that are counted, so that each has one beginning and one end.",
    )


def downgrade() -> None:
    for table in ("visit", "figures", "day", "subject", "chain", "journal"):
        op.drop_table(table)
