"""What lines teach about waits, in place of running means."""

import sqlalchemy as sa
from alembic import op

revision = "t0007"
down_revision = "t0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "estimator",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("line", sa.String(96), primary_key=True, comment="The channels that are one line, joined by +."),
        sa.Column("body", sa.Text, nullable=False),
        comment="What each line has taught about waits (T9).",
    )
    op.create_table(
        "quote",
        sa.Column("ticket_id", sa.String(128), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        comment="What a ticket was promised and from what, until it is called or its customer leaves (T9).",
    )
    op.drop_table("channel_stat")


def downgrade() -> None:
    """Take the tables back; the lines learn anew."""
    op.create_table(
        "channel_stat",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("channel", sa.String(16), primary_key=True),
        sa.Column("service_s", sa.Float, comment="The running mean of services."),
        sa.Column("last_wait_s", sa.Float, comment="What who was called last had waited."),
        sa.Column("served", sa.Integer, nullable=False),
        comment="What each channel has shown, for estimates (T9).",
    )
    for table in ("quote", "estimator"):
        op.drop_table(table)
