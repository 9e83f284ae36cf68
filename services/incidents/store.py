"""The table of incidents, and the records that its use cases read and write."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)

from services.incidents.model import Incident, apply, begin
from shared.contracts.envelope import Event
from shared.contracts.events.incidents import IncidentEvent, Opened
from shared.contracts.registry import decode
from shared.storage import Transaction
from shared.storage.log import of_subject
from shared.storage.types import UtcDateTime

LIST_LIMIT = 200

metadata = MetaData()

incident_table = Table(
    "incident",
    metadata,
    Column("incident_id", String(128), primary_key=True),
    Column("branch", String(32), nullable=False),
    Column("version", Integer, nullable=False, comment="The sequence of its last event."),
    Column("state", String(16), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("body", Text, nullable=False),
    Index("incident_branch_opened", "branch", "opened_at"),
    comment="Every incident as it is now (I1-I4, I6).",
)

_incidents = TypeAdapter(Incident)


class Records:
    """The committed state, for looking."""

    def __init__(self, connection: Connection) -> None:
        """``connection`` sees the service's tables."""
        self.connection = connection

    def incident(self, incident_id: str) -> Incident | None:
        """Return an incident as it is now."""
        rows = self._incidents(select(incident_table.c.body).where(incident_table.c.incident_id == incident_id))
        return rows[0] if rows else None

    def branch_of(self, incident_id: str) -> str | None:
        """Return the branch of an incident."""
        query = select(incident_table.c.branch).where(incident_table.c.incident_id == incident_id)
        return self.connection.execute(query).scalar()

    def incident_at(self, incident_id: str, at: datetime) -> Incident | None:
        """Return an incident as it was at that instant, folded from the log."""
        return fold(event for event in self.events(incident_id) if event.time <= at)

    def newest(self, branch: str) -> Sequence[Incident]:
        """Return the branch's newest incidents, the newest first."""
        t = incident_table.c
        query = select(t.body).where(t.branch == branch).order_by(t.opened_at.desc(), t.incident_id.desc())
        return self._incidents(query.limit(LIST_LIMIT))

    def events(self, incident_id: str) -> Sequence[Event]:
        """Return everything that happened to an incident, in order."""
        return [decode(row.body.encode()) for row in of_subject(self.connection, incident_id)]

    def _incidents(self, query: Select[str]) -> list[Incident]:
        return [_incidents.validate_json(body) for body in self.connection.execute(query).scalars()]


class Desk(Records):
    """One transaction's view of the incidents, for changing."""

    def __init__(self, tx: Transaction) -> None:
        """``tx`` has locked the branch's partition."""
        super().__init__(tx.connection)
        self.tx = tx

    @property
    def now(self) -> datetime:
        """The business time at which the transaction began."""
        return self.tx.now

    def new_id(self) -> str:
        """Return a new opaque id."""
        return self.tx.ids()

    def begin(self, branch: str, opened: Opened) -> Incident:
        """Record an opening, and return the incident that it begins."""
        incident = begin(opened, branch=branch, at=self.now)
        self._append(incident, opened)
        self.connection.execute(insert(incident_table).values(**_row(incident)))
        return incident

    def record(self, incident: Incident, events: Iterable[IncidentEvent]) -> Incident:
        """Record what happened, and return the incident after it."""
        for event in events:
            incident = apply(incident, event, at=self.now)
            self._append(incident, event)
        row = _row(incident)
        same = incident_table.c.incident_id == incident.incident_id
        self.connection.execute(update(incident_table).where(same).values(**row))
        return incident

    def _append(self, incident: Incident, event: Opened | IncidentEvent) -> None:
        self.tx.append(
            incident.branch,
            incident.incident_id,
            event,
            correlation=incident.incident_id,
            sequence=incident.version,
        )


def fold(events: Iterable[Event]) -> Incident | None:
    """Return the incident that these events of it lead to; None where there are none."""
    incident = None
    for event in events:
        if incident is None:
            assert isinstance(event.data, Opened)
            incident = begin(event.data, branch=event.branchid, at=event.time)
        else:
            assert isinstance(event.data, IncidentEvent)
            incident = apply(incident, event.data, at=event.time)
    return incident


def _row(incident: Incident) -> dict[str, object]:
    return {
        "incident_id": incident.incident_id,
        "branch": incident.branch,
        "version": incident.version,
        "state": incident.state,
        "opened_at": incident.opened_at,
        "body": _incidents.dump_json(incident).decode(),
    }
