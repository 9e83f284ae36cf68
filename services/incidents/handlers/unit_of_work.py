"""What a use case is handed: the branch's incidents, the time, and the log to record in.

``store`` gives it; a use case knows no database.
"""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from datetime import datetime

from services.incidents.model import Incident, LobbyState, folded
from shared.contracts.envelope import Event
from shared.contracts.events.incidents import IncidentEvent, Opened
from shared.unit_of_work import BranchReader, BranchUnitOfWork


class LobbyReader(BranchReader[LobbyState]):
    """A branch's incidents, for looking."""

    @abstractmethod
    def events_of(self, subject: str) -> Sequence[Event]:
        """Return everything that happened to an incident, in order."""

    def incident(self, incident_id: str) -> Incident | None:
        """Return an incident of the branch as it is now; one that closed long ago is folded from its log."""
        return self.state.incidents.get(incident_id) or self._folded(incident_id)

    def incident_at(self, incident_id: str, at: datetime) -> Incident | None:
        """Return an incident as it was at that instant; None where it had not been opened."""
        return self._folded(incident_id, until=at)

    def _folded(self, incident_id: str, *, until: datetime | None = None) -> Incident | None:
        happened = (
            (event.data, event.time)
            for event in self.events_of(incident_id)
            if event.branchid == self.branch and (until is None or event.time <= until)
        )
        return folded(self.branch, happened)


class UnitOfWork(LobbyReader, BranchUnitOfWork[LobbyState]):
    """One transaction of a branch: what is recorded is in the log and in the state, or nowhere."""

    def begin(self, opened: Opened) -> Incident:
        """Record an opening, and return the incident that it begins."""
        self._append(opened.incident_id, opened, 1)
        return self.state.incidents[opened.incident_id]

    def record(self, incident: Incident, happened: Iterable[IncidentEvent]) -> Incident:
        """Record what happened, and return the incident after it."""
        for sequence, event in enumerate(happened, incident.version + 1):
            self._append(incident.incident_id, event, sequence)
        recorded = self.incident(incident.incident_id)
        assert recorded is not None
        return recorded
