"""Visits with their tickets, counters, devices, number series and what channels have shown."""

import sqlalchemy as sa
from alembic import op

from shared.storage.types import UtcDateTime

revision = "t0001"
down_revision = None
branch_labels = ("triage",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "visit",
        sa.Column("visit_id", sa.String(128), primary_key=True),
        sa.Column("branch", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False, comment="The sequence of its last event."),
        sa.Column("state", sa.String(16), nullable=False, comment="active, served or left"),
        sa.Column("business_date", sa.Date, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        comment="Every visit as it is now, its tickets in the body.",
    )
    op.create_index("visit_branch_day", "visit", ["branch", "business_date"])
    op.create_table(
        "ticket",
        sa.Column("ticket_id", sa.String(128), primary_key=True),
        sa.Column("visit_id", sa.String(128), nullable=False),
        sa.Column("branch", sa.String(32), nullable=False),
        sa.Column("business_date", sa.Date, nullable=False),
        sa.Column("number", sa.String(16), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("counter", sa.String(128)),
        sa.Column("lined", sa.Float, nullable=False, comment="Since when it stands in its line, in epoch seconds."),
        sa.Column(
            "rank",
            sa.Float,
            nullable=False,
            comment="Its place in the line: the lowest is called first.",
        ),
        sa.Column(
            "overtaken", sa.Integer, nullable=False, comment="How often somebody later was called before it (T12)."
        ),
        sa.Column(
            "waiting_from",
            UtcDateTime,
            comment="Since when it waits, breaks left out; null when it doesn't.",
        ),
        comment="What is looked up and ordered by of every ticket.",
    )
    op.create_index("ticket_number", "ticket", ["branch", "business_date", "number"], unique=True)
    op.create_index("ticket_rank", "ticket", ["branch", "state", "channel", "rank"])
    op.create_index("ticket_lined", "ticket", ["branch", "state", "channel", "lined"])
    op.create_index("ticket_day", "ticket", ["branch", "business_date", "state"])
    op.create_index("ticket_visit", "ticket", ["visit_id"])
    op.create_table(
        "counter",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("counter", sa.String(64), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        comment="Every counter as it is now (T10).",
    )
    op.create_table(
        "device",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("device_id", sa.String(64), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        comment="Every device as it was last reported (T10).",
    )
    op.create_table(
        "number_series",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("business_date", sa.Date, primary_key=True),
        sa.Column("prefix", sa.String(4), primary_key=True),
        sa.Column("last", sa.Integer, nullable=False),
        comment="The last number of each channel and day (T4).",
    )
    op.create_table(
        "channel_stat",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("channel", sa.String(16), primary_key=True),
        sa.Column("service_s", sa.Float, comment="The running mean of services."),
        sa.Column("last_wait_s", sa.Float, comment="What who was called last had waited."),
        sa.Column("served", sa.Integer, nullable=False),
        comment="What each channel has shown, for estimates (T9).",
    )


def downgrade() -> None:
    """Remove the tables; only for an empty system, since the log is the truth."""
    for table in ("channel_stat", "number_series", "device", "counter", "ticket", "visit"):
        op.drop_table(table)
