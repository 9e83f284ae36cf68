"""Rows that triage's events make: whose a ticket is, and which policy each branch is run by."""

from collections.abc import Iterable

import orjson

from services.triage.store.tables import branch_policy, ticket
from shared.contracts.envelope import Event
from shared.contracts.events.triage import PolicyChanged, TicketIssued
from shared.storage.projection import ProjectedRow


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
