"""Blocks of numbers that terminals give out by themselves, and what they say before we know of a number."""

import sqlalchemy as sa
from alembic import op

from shared.storage.types import UtcDateTime

revision = "t0005"
down_revision = "t0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "number_block",
        sa.Column("block_id", sa.String(128), primary_key=True),
        sa.Column("branch", sa.String(32), nullable=False),
        sa.Column("terminal_id", sa.String(128), nullable=False),
        sa.Column("business_date", sa.Date, nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("prefix", sa.String(4), nullable=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        comment="Numbers that only one terminal gives out, while it has no network (T4).",
    )
    op.create_index("number_block_of", "number_block", ["branch", "terminal_id", "business_date"])
    op.create_table(
        "word",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("business_date", sa.Date, primary_key=True),
        sa.Column("number", sa.String(16), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("at", UtcDateTime, nullable=False),
        comment="What terminals said of offline numbers that nobody has heard of yet (T4).",
    )


def downgrade() -> None:
    """Remove the tables; the log knows every lease."""
    for table in ("word", "number_block"):
        op.drop_table(table)
