"""The vault: personal data, encrypted, and who looked at it."""

import sqlalchemy as sa
from alembic import op

from shared.storage.tables import UtcDateTime

revision = "p0001"
down_revision = None
branch_labels = ("vault",)
depends_on = None


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "person",
        sa.Column("customer_ref", sa.String(128), primary_key=True),
        sa.Column("wrapped_key", sa.LargeBinary, comment="Nonce and data key under the master key; null once erased."),
        sa.Column("body", sa.LargeBinary, nullable=False, comment="Nonce and fields under the data key."),
        sa.Column("stored_at", UtcDateTime, nullable=False),
        sa.Column("erased_at", UtcDateTime),
        comment="Who the customers are, encrypted.",
    )
    op.create_table(
        "reveal",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("customer_ref", sa.String(128), nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        comment="Who looked at whose personal data, when and why.",
    )
    op.create_index("reveal_customer", "reveal", ["customer_ref"])


def downgrade() -> None:
    """Remove the tables, and with them everybody's personal data."""
    for table in ("reveal", "person"):
        op.drop_table(table)
