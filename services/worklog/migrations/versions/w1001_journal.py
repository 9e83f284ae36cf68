"""The journal, and what follows from it: chains, signatures, the days' figures (W7, W8, W10)."""

import sqlalchemy as sa
from alembic import op

from shared.storage.tables import UtcDateTime

revision = "w1001"
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
    op.create_index("journal_branch_type", "journal", ["branch", "type", "position"])
    op.create_index("journal_branch_subject", "journal", ["branch", "subject", "position"])
    op.create_table(
        "chain",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column(
            "earliest", UtcDateTime, comment="When the first of its events happened: a search by time begins here."
        ),
        sa.Column("latest", UtcDateTime, comment="When the last of them happened."),
        comment="The head of each of the journal's chains, so that a cut-off tail is found.",
    )
    op.create_table(
        "subject",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("producer", sa.String(32), primary_key=True, comment="The service whose log has the subject."),
        sa.Column("subject", sa.String(128), primary_key=True),
        sa.Column("sequence", sa.Integer, nullable=False, comment="Of its last event, also of one that was given up."),
        comment="How far the journal has come with each subject, so that a gap is noticed.",
    )
    op.create_table(
        "signature",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("business_date", sa.Date, primary_key=True),
        sa.Column(
            "journal_hash", sa.String(64), nullable=False, comment="The journal's last link when the log was signed."
        ),
        comment="The signed days whose journal had events (W8): who verifies the journal asks of all branches.",
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
    roster = sa.text("managers IS NOT NULL")
    op.create_index(
        "figures_roster", "figures", ["branch", "business_date"], postgresql_where=roster, sqlite_where=roster
    )
    op.create_table(
        "visit",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("visit_id", sa.String(128), primary_key=True),
        sa.Column("channel", sa.String(32), nullable=False, comment="Where it began."),
        sa.Column("ended", sa.Boolean, nullable=False),
        sa.Column("late", sa.Boolean, nullable=False, comment="Counted as heard of only after its day."),
        comment="The visits that are counted, so that each has one beginning and one end.",
    )


def downgrade() -> None:
    for table in ("visit", "figures", "signature", "subject", "chain", "journal"):
        op.drop_table(table)
