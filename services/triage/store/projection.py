"""What triage looks up by a key, and the rows that its events make of it; everything else is the fold of the log."""

from collections.abc import Iterable

import orjson
from sqlalchemy import Column, Date, MetaData, String, Table, Text, UniqueConstraint

from shared.contracts.envelope import Event
from shared.contracts.events.triage import PolicyChanged, TicketIssued
from shared.storage.aggregate import ProjectedRow

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


def project(event: Event) -> Iterable[ProjectedRow]:
    """Return the rows that an event makes."""
    data = event.data
    if isinstance(data, TicketIssued):
        yield ticket, {
            "ticket_id": data.ticket_id, "visit_id": data.visit_id, "branch": event.branchid, "number": data.number,
            "business_date": data.business_date,
        }  # fmt: skip
    elif isinstance(data, PolicyChanged):
        overrides = orjson.dumps(data.overrides).decode()
        yield branch_policy, {"branch": event.branchid, "digest": data.digest, "overrides": overrides}
