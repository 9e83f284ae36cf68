"""Lines that are more than channels, who a ticket is for, and when a paper is given up."""

import sqlalchemy as sa
from alembic import op

from shared.storage.types import UtcDateTime

revision = "t0002"
down_revision = "t0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("visit", sa.Column("touched", UtcDateTime, comment="When anything of it was recorded last."))
    op.create_index("visit_state_day", "visit", ["state", "business_date"])
    line = "Where it stands; after a - while its customer is at a counter with another."
    op.add_column("ticket", sa.Column("line", sa.String(96), comment=line))
    op.add_column("ticket", sa.Column("business", sa.String(64)))
    op.add_column("ticket", sa.Column("customer_ref", sa.String(128)))
    op.add_column("ticket", sa.Column("card_token", sa.String(128)))
    expires = "When its paper is given up; null once it is printed (T4)."
    op.add_column("ticket", sa.Column("expires", UtcDateTime, comment=expires))
    op.execute("UPDATE ticket SET line = channel")
    op.drop_index("ticket_rank", "ticket")
    op.drop_index("ticket_lined", "ticket")
    op.create_index("ticket_rank", "ticket", ["branch", "state", "line", "rank"])
    op.create_index("ticket_lined", "ticket", ["branch", "state", "line", "lined"])
    _partial("ticket_customer", "customer_ref")
    _partial("ticket_card", "card_token")
    _partial("ticket_expires", "expires")


def _partial(name: str, column: str) -> None:
    where = sa.text(f"{column} IS NOT NULL")
    op.create_index(name, "ticket", [column], postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    """Take the columns back; what the lines of today say is lost."""
    for index in ("ticket_customer", "ticket_card", "ticket_expires", "ticket_rank", "ticket_lined"):
        op.drop_index(index, "ticket")
    op.create_index("ticket_rank", "ticket", ["branch", "state", "channel", "rank"])
    op.create_index("ticket_lined", "ticket", ["branch", "state", "channel", "lined"])
    op.drop_index("visit_state_day", "visit")
    op.drop_column("visit", "touched")
    for column in ("line", "business", "customer_ref", "card_token", "expires"):
        op.drop_column("ticket", column)
