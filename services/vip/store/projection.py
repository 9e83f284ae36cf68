"""Rows that the events of vip make: whose a hand-off is."""

from collections.abc import Iterable

from services.vip.store.tables import handoff
from shared.contracts.envelope import Event
from shared.contracts.events.vip import CustomerArrived
from shared.storage.projection import ProjectedRow


def project(event: Event) -> Iterable[ProjectedRow]:
    """Return the row that an event makes."""
    if isinstance(event.data, CustomerArrived):
        yield handoff, {"handoff_id": event.data.handoff_id, "branch": event.branchid}
