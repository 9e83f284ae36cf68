"""Branches, dead letters, and the log by age: others' events are forgotten after a day, terminals' after a week."""

import sqlalchemy as sa
from alembic import op

from shared.storage.tables import UtcDateTime

revision = "g1001"
down_revision = None
branch_labels = ("gateway",)
depends_on = ("s1001",)


def upgrade() -> None:
    """Create the gateway's tables."""
    op.create_table(
        "branch",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("last_event_at", UtcDateTime, nullable=False),
        comment="The branches that anything was heard of.",
    )
    op.create_table(
        "collected_dead_letter",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("service", sa.String(32), nullable=False),
        sa.Column("queue", sa.String(128), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("branch", sa.String(32)),
        sa.Column("event_id", sa.String(128)),
        sa.Column("type", sa.String(128)),
        sa.Column("subject", sa.String(128)),
        sa.Column("content_type", sa.String(255)),
        sa.Column("by_broker", sa.Integer, nullable=False, comment="1 where the broker parked it, not a service."),
        sa.Column("body", sa.LargeBinary, nullable=False),
        comment="The dead letters of every service, as they told them; a service's own are in its dead_letter.",
    )
    op.create_index("collected_dead_letter_at", "collected_dead_letter", ["at"])
    op.create_index("log_own_recorded", "log", ["own", "recorded"])


def downgrade() -> None:
    """Remove the gateway's tables."""
    op.drop_index("log_own_recorded", "log")
    op.drop_table("collected_dead_letter")
    op.drop_table("branch")
