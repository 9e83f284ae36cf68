"""Rows that come in the order of their time are found by it in a summary of pages, not in a tree."""

from alembic import op

revision = "s1002"
down_revision = "s1001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let PostgreSQL forget old answers and events by a summary; SQLite has no such index."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in ("idempotency", "inbox"):
        op.drop_index(f"{table}_at", table)
        op.create_index(f"{table}_at", table, ["at"], postgresql_using="brin", postgresql_with={"pages_per_range": 2})
