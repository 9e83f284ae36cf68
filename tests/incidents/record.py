"""A branch's incidents as its people record them: every call goes to the real service."""

from collections.abc import Sequence
from datetime import datetime

from services.incidents.lobbies import Lobbies
from services.incidents.service import IncidentsService
from shared.clock import ManualClock
from shared.contracts.envelope import Event
from shared.contracts.http import incidents as calls
from shared.storage import Storage
from tests.support.in_process import InProcess

BRANCH = "demo"


class Record:
    """Makes calls."""

    def __init__(self, storage: Storage, clock: ManualClock) -> None:
        self.clock = clock
        self.incidents = InProcess(IncidentsService, storage=storage, lobbies=Lobbies(storage))

    def open(self, kind: str = "dispute", **fields: object) -> calls.IncidentView:
        body = {"kind": kind, "summary": "两位客户争吵", **fields}
        view: calls.IncidentView = self.incidents.call(calls.OPEN, body, by="li", b=BRANCH)
        return view

    def step(self, incident_id: str, step: str, **fields: object) -> calls.IncidentView:
        self.clock.advance(10)
        view: calls.IncidentView = self.incidents.call(calls.STEP, {"step": step, **fields}, by="li", id=incident_id)
        return view

    def close(self, incident_id: str, resolution: str = "settled") -> calls.IncidentView:
        self.clock.advance(10)
        body = {"resolution": resolution}
        view: calls.IncidentView = self.incidents.call(calls.CLOSE, body, by="zhao", id=incident_id)
        return view

    def amend(self, incident_id: str, note: str = "more was found") -> calls.IncidentView:
        self.clock.advance(10)
        view: calls.IncidentView = self.incidents.call(calls.AMEND, {"note": note}, by="zhao", id=incident_id)
        return view

    def get(self, incident_id: str, at: datetime | None = None) -> calls.IncidentView:
        query = {} if at is None else {"at": at.isoformat()}
        view: calls.IncidentView = self.incidents.call(calls.GET, query=query, id=incident_id)
        return view

    def list(self) -> calls.IncidentList:
        found: calls.IncidentList = self.incidents.call(calls.LIST, b=BRANCH)
        return found

    def timeline(self, incident_id: str) -> calls.Timeline:
        found: calls.Timeline = self.incidents.call(calls.TIMELINE, id=incident_id)
        return found

    def events(self, incident_id: str) -> Sequence[Event]:
        return self.incidents.log(incident_id)
