"""Diversion, alarms, care and thresholds: what is due when, found by an index (T3, T8, T12)."""

import sqlalchemy as sa
from alembic import op

from shared.storage.types import UtcDateTime

revision = "t0008"
down_revision = "t0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    went = "Whether the customer went there."
    alarmed = "Whether its cap was alarmed (T12)."
    for column in (
        sa.Column("diversion", sa.String(16), comment="How far the guidance to a device has come (T3)."),
        sa.Column("went", sa.Boolean, nullable=False, server_default=sa.false(), comment=went),
        sa.Column("watch_at", UtcDateTime, comment="When the next alarm is due (T8)."),
        sa.Column("care_at", UtcDateTime, comment="From when somebody should look after the customer (T8)."),
        sa.Column("alarmed", sa.Boolean, nullable=False, server_default=sa.false(), comment=alarmed),
    ):
        op.add_column("ticket", column)
    _partial("ticket_watch", "ticket", ["watch_at"])
    _partial("ticket_care", "ticket", ["branch", "care_at"])
    op.create_index("ticket_longest", "ticket", ["branch", "state", "line", "waiting_from"])
    for more in (
        sa.Column("version", sa.Integer, nullable=False, server_default="0", comment="The sequence of its last event."),
        sa.Column("above", sa.Text, nullable=False, server_default="", comment="The thresholds that it is above (T8)."),
        sa.Column("check_at", UtcDateTime, comment="When its thresholds and caps are looked at next."),
    ):
        op.add_column("line_state", more)
    _partial("line_state_check", "line_state", ["check_at"])


def _partial(name: str, table: str, columns: list[str]) -> None:
    where = sa.text(f"{columns[-1]} IS NOT NULL")
    op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    """Take the columns back; the log keeps what was alarmed."""
    op.drop_index("line_state_check", "line_state")
    for column in ("version", "above", "check_at"):
        op.drop_column("line_state", column)
    for index in ("ticket_watch", "ticket_care", "ticket_longest"):
        op.drop_index(index, "ticket")
    for column in ("diversion", "went", "watch_at", "care_at", "alarmed"):
        op.drop_column("ticket", column)
