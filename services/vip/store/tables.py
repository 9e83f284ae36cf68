"""What vip looks up by a key; everything else that it knows is the fold of the log."""

from sqlalchemy import Column, MetaData, String, Table

metadata = MetaData()

handoff = Table(
    "handoff",
    metadata,
    Column("handoff_id", String(128), primary_key=True),
    Column("branch", String(32), nullable=False),
    comment="Whose branch a hand-off is.",
)
