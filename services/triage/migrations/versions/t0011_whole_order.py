"""Indexes that hold the whole order of a line, so that nobody sorts it to find its first (T7)."""

from alembic import op

revision = "t0011"
down_revision = "t0010"
branch_labels = None
depends_on = None

INDEXES = {
    "ticket_rank": ("branch", "state", "line", "rank"),
    "ticket_lined": ("branch", "state", "line", "lined"),
    "ticket_business_rank": ("branch", "state", "line", "business", "rank"),
    "ticket_business_lined": ("branch", "state", "line", "business", "lined"),
}


def upgrade() -> None:
    _make("ticket_id")


def downgrade() -> None:
    _make()


def _make(*more: str) -> None:
    for name, columns in INDEXES.items():
        op.drop_index(name, "ticket")
        op.create_index(name, "ticket", [*columns, *more])
