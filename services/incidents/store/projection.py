"""Rows that the events of incidents make: whose an incident is."""

from collections.abc import Iterable

from services.incidents.store.tables import incident
from shared.contracts.envelope import Event
from shared.contracts.events.incidents import Opened
from shared.storage.projection import ProjectedRow


def project(event: Event) -> Iterable[ProjectedRow]:
    """Return the row that an event makes."""
    if isinstance(event.data, Opened):
        yield incident, {"incident_id": event.data.incident_id, "branch": event.branchid}
