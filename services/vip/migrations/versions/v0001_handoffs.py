"""Hand-offs, the roster, and the VIP tickets that wait for their paper (V1-V3, V8)."""

import sqlalchemy as sa
from alembic import op

from shared.storage.types import UtcDateTime

revision = "v0001"
down_revision = None
branch_labels = ("vip",)
depends_on = ("s1001",)


def upgrade() -> None:
    op.create_table(
        "handoff",
        sa.Column("handoff_id", sa.String(128), primary_key=True),
        sa.Column("branch", sa.String(32), nullable=False),
        sa.Column("visit_id", sa.String(128), nullable=False),
        sa.Column("version", sa.Integer, nullable=False, comment="The sequence of its last event."),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("manager_id", sa.String(128)),
        sa.Column("arrived_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, comment="When the offer runs out; null where nobody is asked."),
        sa.Column(
            "unsettled", sa.Boolean, nullable=False, comment="Waits and has no seat yet, or was asked for in vain."
        ),
        sa.Column("body", sa.Text, nullable=False),
        comment="Every hand-off as it is now (V1-V3).",
    )
    op.create_index("handoff_branch_state", "handoff", ["branch", "state", "arrived_at"])
    op.create_index("handoff_branch_unsettled", "handoff", ["branch", "unsettled"])
    op.create_index("handoff_state_expires", "handoff", ["state", "expires_at"])
    op.create_index("handoff_visit", "handoff", ["visit_id"])
    op.create_table(
        "roster",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        comment="The duty roster of each branch (V8).",
    )
    op.create_table(
        "ticket",
        sa.Column("ticket_id", sa.String(128), primary_key=True),
        sa.Column("visit_id", sa.String(128), nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("tier", sa.String(16), nullable=False),
        sa.Column("business", sa.String(64)),
        sa.Column("customer_ref", sa.String(128)),
        sa.Column("handoff_id", sa.String(128)),
        sa.Column("over", sa.Boolean, nullable=False, comment="Called at a window, or left: no arrival any more."),
        comment="VIP tickets of triage, remembered until the paper is printed.",
    )
    op.create_index("ticket_handoff", "ticket", ["handoff_id"])


def downgrade() -> None:
    for table in ("ticket", "roster", "handoff"):
        op.drop_table(table)
