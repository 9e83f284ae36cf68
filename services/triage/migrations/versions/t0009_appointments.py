"""Appointments (T11)."""

import sqlalchemy as sa
from alembic import op

from shared.storage.types import UtcDateTime

revision = "t0009"
down_revision = "t0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "appointment",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("appointment_id", sa.String(128), primary_key=True),
        sa.Column("slot_at", UtcDateTime, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        comment="Every appointment as it is now (T11).",
    )
    op.create_index("appointment_slot", "appointment", ["branch", "slot_at"])


def downgrade() -> None:
    """Forget the appointments; the log keeps them."""
    op.drop_table("appointment")
