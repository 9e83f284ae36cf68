"""Look-ups by key: whose a ticket is, and that a number is given out once a day; and who follows which policy."""

import sqlalchemy as sa
from alembic import op

revision = "t1001"
down_revision = None
branch_labels = ("triage",)
depends_on = ("s1001",)


def upgrade() -> None:
    op.create_table(
        "ticket",
        sa.Column("ticket_id", sa.String(128), primary_key=True),
        sa.Column("visit_id", sa.String(128), nullable=False),
        sa.Column("branch", sa.String(32), nullable=False),
        sa.Column("number", sa.String(16), nullable=False),
        sa.Column("business_date", sa.Date, nullable=False),
        sa.UniqueConstraint("branch", "number", "business_date", name="ticket_number_of_day"),
        comment="Whose branch and visit a ticket is, and that a number is given out once a day.",
    )
    op.create_table(
        "branch_policy",
        sa.Column("branch", sa.String(32), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("overrides", sa.Text, nullable=False, comment="The branch's own exceptions, as JSON."),
        comment="Which policy each branch is run by: who follows the bank's file asks it of all branches.",
    )


def downgrade() -> None:
    op.drop_table("branch_policy")
    op.drop_table("ticket")
