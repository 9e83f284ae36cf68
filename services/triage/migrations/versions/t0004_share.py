"""How much of their share VIPs have had at each counter that serves others too (T7)."""

import sqlalchemy as sa
from alembic import op

revision = "t0004"
down_revision = "t0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vip_credit",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("counter", sa.String(64), primary_key=True),
        sa.Column("credit", sa.Float, nullable=False, comment="Calls that VIPs may have before others have one."),
        comment="How much of their share VIPs have left at a counter that serves others too (T7).",
    )


def downgrade() -> None:
    """Forget the credit: every counter begins anew."""
    op.drop_table("vip_credit")
