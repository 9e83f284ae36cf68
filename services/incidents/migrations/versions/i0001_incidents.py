"""Incidents (I1-I4, I6)."""

import sqlalchemy as sa
from alembic import op

from shared.storage.types import UtcDateTime

revision = "i0001"
down_revision = None
branch_labels = ("incidents",)
depends_on = ("s1001",)


def upgrade() -> None:
    op.create_table(
        "incident",
        sa.Column("incident_id", sa.String(128), primary_key=True),
        sa.Column("branch", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False, comment="The sequence of its last event."),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("opened_at", UtcDateTime, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        comment="Every incident as it is now (I1-I4, I6).",
    )
    op.create_index("incident_branch_opened", "incident", ["branch", "opened_at"])


def downgrade() -> None:
    op.drop_table("incident")
