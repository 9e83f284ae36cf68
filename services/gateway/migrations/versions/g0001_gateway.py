"""Branches and dead letters."""

import sqlalchemy as sa
from alembic import op

from shared.storage.types import UtcDateTime

revision = "g0001"
down_revision = None
branch_labels = ("gateway",)
depends_on = None


def upgrade() -> None:
    """Create the gateway's tables."""
    op.create_table(
        "branch",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("last_event_at", UtcDateTime, nullable=False),
        comment="The branches that anything was heard of.",
    )
    op.create_table(
        "letter",
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
        comment="Dead letters of every service, as they told them.",
    )
    op.create_index("letter_at", "letter", ["at"])


def downgrade() -> None:
    """Remove the gateway's tables."""
    op.drop_table("letter")
    op.drop_table("branch")
