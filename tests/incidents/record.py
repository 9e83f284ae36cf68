"""A branch's incidents as a test sees them: the real use cases on a real database."""

from datetime import datetime

from services.incidents import handlers
from services.incidents.store import Desk, Records
from shared.clock import ManualClock
from shared.contracts.http import incidents as calls
from shared.storage import Storage

BRANCH = "demo"


class Record:
    """Does what the service does with a call."""

    def __init__(self, storage: Storage, clock: ManualClock) -> None:
        self.storage = storage
        self.clock = clock

    def open(self, kind: str = "dispute", **fields: object) -> calls.IncidentView:
        body = calls.OpenIncident.model_validate({"kind": kind, "summary": "两位客户争吵", **fields})
        zone = self.storage.settings.default_timezone
        with self.storage.transaction(BRANCH) as tx:
            return handlers.open_incident(Desk(tx), branch=BRANCH, zone=zone, actor="li", body=body)

    def step(self, incident_id: str, step: str, **fields: object) -> calls.IncidentView:
        self.clock.advance(10)
        body = calls.RecordStep.model_validate({"step": step, **fields})
        with self.storage.transaction(BRANCH) as tx:
            return handlers.record_step(Desk(tx), incident_id=incident_id, actor="li", body=body)

    def close(self, incident_id: str, resolution: str = "settled") -> calls.IncidentView:
        self.clock.advance(10)
        body = calls.CloseIncident(resolution=resolution)
        with self.storage.transaction(BRANCH) as tx:
            return handlers.close_incident(Desk(tx), incident_id=incident_id, actor="zhao", body=body)

    def amend(self, incident_id: str, note: str = "more was found") -> calls.IncidentView:
        self.clock.advance(10)
        with self.storage.transaction(BRANCH) as tx:
            body = calls.Amend(note=note)
            return handlers.amend_incident(Desk(tx), incident_id=incident_id, actor="zhao", body=body)

    def get(self, incident_id: str, at: datetime | None = None) -> calls.IncidentView:
        with self.storage.read() as connection:
            return handlers.get_incident(Records(connection), incident_id=incident_id, at=at)

    def list(self) -> calls.IncidentList:
        with self.storage.read() as connection:
            return handlers.list_incidents(Records(connection), branch=BRANCH)

    def timeline(self, incident_id: str) -> calls.Timeline:
        with self.storage.read() as connection:
            return handlers.timeline(Records(connection), incident_id=incident_id)
