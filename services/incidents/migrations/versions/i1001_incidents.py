"""Look-ups by key: whose branch an incident is."""

import sqlalchemy as sa
from alembic import op

revision = "i1001"
down_revision = None
branch_labels = ("incidents",)
depends_on = ("s1001",)


def upgrade() -> None:
    op.create_table(
        "incident",
        sa.Column("incident_id", sa.String(128), primary_key=True),
        sa.Column("branch", sa.String(32), nullable=False),
        comment="Whose branch an incident is.",
    )


def downgrade() -> None:
    op.drop_table("incident")
