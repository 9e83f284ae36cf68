"""What incidents knows of a branch's lobby: the fold of its log."""

from dataclasses import dataclass, field

from immutables import Map

from services.incidents.model.incident import Incident

NEWEST = 200
"""So many of the newest incidents are kept, open or closed; an older one that is closed is in the log alone."""


@dataclass(frozen=True, kw_only=True)
class LobbyState:
    """A branch's incidents, by their ids; ``recent`` are the newest ones' in the order of their opening."""

    branch: str
    incidents: Map[str, Incident] = field(default_factory=Map)
    recent: tuple[str, ...] = ()

    @property
    def newest(self) -> tuple[Incident, ...]:
        """The newest incidents, the newest first."""
        return tuple(self.incidents[incident_id] for incident_id in reversed(self.recent))
