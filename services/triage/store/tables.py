"""What triage looks up by a key; everything else that it knows is the fold of the log."""

from sqlalchemy import Column, Date, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData()

ticket = Table(
    "ticket",
    metadata,
    Column("ticket_id", String(128), primary_key=True),
    Column("visit_id", String(128), nullable=False),
    Column("branch", String(32), nullable=False),
    Column("number", String(16), nullable=False),
    Column("business_date", Date, nullable=False),
    UniqueConstraint("branch", "number", "business_date", name="ticket_number_of_day"),
    comment="Whose branch and visit a ticket is, and that a number is given out once a day.",
)

branch_policy = Table(
    "branch_policy",
    metadata,
    Column("branch", String(32), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("overrides", Text, nullable=False, comment="The branch's own exceptions, as JSON."),
    comment="Which policy each branch is run by: who follows the bank's file asks it of all branches.",
)
