"""Look-ups by key: whose branch a hand-off is."""

import sqlalchemy as sa
from alembic import op

revision = "v1001"
down_revision = None
branch_labels = ("vip",)
depends_on = ("s1001",)


def upgrade() -> None:
    op.create_table(
        "handoff",
        sa.Column("handoff_id", sa.String(128), primary_key=True),
        sa.Column("branch", sa.String(32), nullable=False),
        comment="Whose branch a hand-off is.",
    )


def downgrade() -> None:
    op.drop_table("handoff")
