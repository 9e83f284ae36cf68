"""What is forgotten is found by its age: others' events after a day, terminals' after a week."""

from alembic import op

revision = "g0002"
down_revision = "g0001"
branch_labels = None
depends_on = ("s1001",)


def upgrade() -> None:
    """Index the log."""
    op.create_index("log_own_recorded", "log", ["own", "recorded"])


def downgrade() -> None:
    """Remove the index."""
    op.drop_index("log_own_recorded", "log")
