"""Room in a line's name for a person of the longest name (T10)."""

import sqlalchemy as sa
from alembic import op

revision = "t0010"
down_revision = "t0009"
branch_labels = None
depends_on = None

TABLES = ("ticket", "line_state", "overtaking", "estimator")


def upgrade() -> None:
    _resize(sa.String(136))


def downgrade() -> None:
    """Fails where such a person's line is still there."""
    _resize(sa.String(96))


def _resize(length: sa.String) -> None:
    for table in TABLES:
        with op.batch_alter_table(table) as batch:
            batch.alter_column("line", type_=length)
