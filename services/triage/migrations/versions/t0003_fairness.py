"""The fairness ledger: overtaking is counted by place, without touching whom it overtakes (T12)."""

import json

import sqlalchemy as sa
from alembic import op

from shared.storage.types import UtcDateTime

revision = "t0003"
down_revision = "t0002"
branch_labels = None
depends_on = None

_NUMBERS = {
    "joined_seq": "The line's seq when it joined.",
    "counted_to": "The seq that overtaken is exact at.",
    "shield": "What it is guarded with, see store.line.",
    "shield_skill": "The same of calls for skills.",
}


def upgrade() -> None:
    for name, comment in _NUMBERS.items():
        op.add_column("ticket", sa.Column(name, sa.Integer, nullable=False, server_default="0", comment=comment))
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("ticket", "overtaken", comment="How often it was overtaken, up to counted_to (T12).")
    op.create_index("ticket_business_rank", "ticket", ["branch", "state", "line", "business", "rank"])
    op.create_index("ticket_business_lined", "ticket", ["branch", "state", "line", "business", "lined"])
    op.create_table(
        "line_state",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("line", sa.String(96), primary_key=True),
        sa.Column("waiting", sa.Integer, nullable=False, comment="How many wait."),
        sa.Column(
            "seq", sa.Integer, nullable=False, comment="The number of its last call that overtook somebody (T12)."
        ),
        sa.Column("last_lined", sa.Float, nullable=False, comment="The latest place that was ever taken."),
        sa.Column(
            "skills", sa.Text, nullable=False, comment="The businesses that counters with skills have called ahead."
        ),
        comment="Every line: how many stand in it, and how often one of them was overtaken (T12).",
    )
    op.create_table(
        "overtaking",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("line", sa.String(96), primary_key=True),
        sa.Column("business", sa.String(64), primary_key=True, comment="Empty: of all businesses."),
        sa.Column(
            "lined", sa.Float, primary_key=True, comment="The place of who was called: all earlier ones are overtaken."
        ),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column(
            "counts", sa.Boolean, nullable=False, comment="False: the counter could not have served those ahead."
        ),
        sa.Column("ticket_id", sa.String(128), nullable=False, comment="Who was called."),
        sa.Column("number", sa.String(16), nullable=False),
        sa.Column("counter", sa.String(128), nullable=False),
        sa.Column("rule", sa.String(64), nullable=False),
        sa.Column("zh", sa.Text, nullable=False),
        sa.Column("en", sa.Text, nullable=False),
        sa.Column("forced", sa.Boolean, nullable=False, comment="Somebody was pushed beyond the cap."),
        sa.Column("whom", sa.Integer, nullable=False, comment="How many the call overtook, counted to 50."),
        sa.Column("more", sa.Boolean, nullable=False, comment="Whether there were more than 50."),
        sa.Column("business_date", sa.Date, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        comment="The fairness ledger: one row a call that overtakes and lane (T12).",
    )
    op.create_index("overtaking_day", "overtaking", ["branch", "business_date", "at"])
    _name_businesses(op.get_bind())
    # Who waits now stands in its line; what overtook them before counts as a shield of the same height.
    op.execute("UPDATE ticket SET shield = overtaken WHERE state = 'waiting'")
    op.execute(
        "INSERT INTO line_state (branch, line, waiting, seq, last_lined, skills) "
        "SELECT branch, line, SUM(CASE WHEN state = 'waiting' THEN 1 ELSE 0 END), 0, MAX(lined), '' "
        "FROM ticket WHERE line IS NOT NULL GROUP BY branch, line"
    )


def _name_businesses(connection: sa.Connection) -> None:
    """Take the business of everybody who is still here from the visit's body."""
    query = (
        "SELECT t.ticket_id, v.body FROM ticket t JOIN visit v ON v.visit_id = t.visit_id "
        "WHERE t.state NOT IN ('completed', 'left')"
    )
    for ticket_id, body in connection.execute(sa.text(query)).all():
        business = {ticket["ticket_id"]: ticket["business"] for ticket in json.loads(body)["tickets"]}[ticket_id]
        update = sa.text("UPDATE ticket SET business = :business WHERE ticket_id = :ticket_id")
        connection.execute(update, {"business": business, "ticket_id": ticket_id})


def downgrade() -> None:
    """Forget the ledger; the counts stay as they were last settled."""
    op.drop_table("overtaking")
    op.drop_table("line_state")
    op.drop_index("ticket_business_lined", "ticket")
    op.drop_index("ticket_business_rank", "ticket")
    for name in _NUMBERS:
        op.drop_column("ticket", name)
