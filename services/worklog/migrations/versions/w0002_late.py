"""Whether a visit is counted as heard of after its day, so that it is counted once (W7)."""

import sqlalchemy as sa
from alembic import op

revision = "w0002"
down_revision = "w0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    late = sa.Column(
        "late",
        sa.Boolean,
        nullable=False,
        server_default=sa.false(),
        comment="Counted as heard of only after its day.",
    )
    op.add_column("visit", late)


def downgrade() -> None:
    with op.batch_alter_table("visit") as batch:
        batch.drop_column("late")
