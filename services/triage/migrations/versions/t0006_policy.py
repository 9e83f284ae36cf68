"""The policy that each branch is run by."""

import sqlalchemy as sa
from alembic import op

from shared.storage.types import UtcDateTime

revision = "t0006"
down_revision = "t0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "branch_policy",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False, comment="Counts the branch's policies from 1."),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("since", UtcDateTime, nullable=False),
        sa.Column("overrides", sa.Text, nullable=False, comment="The branch's own exceptions, set by HTTP, as JSON."),
        sa.Column("body", sa.Text, nullable=False, comment="The whole policy as JSON."),
        comment="The policy that each branch is run by.",
    )


def downgrade() -> None:
    """Remove the table; the log has every policy."""
    op.drop_table("branch_policy")
