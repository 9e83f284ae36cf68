"""The incidents service: decodes calls, runs a handler, answers (I1-I4, I6)."""

from collections.abc import Callable

from services.incidents import handlers
from services.incidents.errors import IncidentNotFound
from services.incidents.store import Desk, Records
from shared.bus import StorageProvider
from shared.commands import Replayed
from shared.contracts.http import incidents as calls
from shared.contracts.http.incidents import IncidentList, IncidentView, Timeline
from shared.storage import Storage
from shared.web.call import Call
from shared.web.entrypoint import http

Answer = IncidentView | Replayed | None


class IncidentsService:
    """What incidents answers."""

    name = "incidents"
    storage: Storage = StorageProvider()

    @http(calls.OPEN)
    def open_incident(self, call: Call) -> Answer:
        """Open an incident (I1-I4)."""
        zone, actor = self.storage.settings.default_timezone, call.principal.subject
        return self.storage.execute(
            call.command,
            lambda tx: handlers.open_incident(Desk(tx), branch=call.branch, zone=zone, actor=actor, body=call.body),
        )

    @http(calls.LIST)
    def list_incidents(self, call: Call) -> IncidentList:
        """Return the branch's incidents."""
        with self.storage.read() as connection:
            return handlers.list_incidents(Records(connection), branch=call.branch)

    @http(calls.STEP)
    def record_step(self, call: Call) -> Answer:
        """Record what was done (I1-I4, I6)."""
        return self._change(call, handlers.record_step)

    @http(calls.CLOSE)
    def close_incident(self, call: Call) -> Answer:
        """Close an incident (I6)."""
        return self._change(call, handlers.close_incident)

    @http(calls.AMEND)
    def amend_incident(self, call: Call) -> Answer:
        """Add to a closed record (I6)."""
        return self._change(call, handlers.amend_incident)

    @http(calls.GET)
    def get_incident(self, call: Call) -> IncidentView:
        """Return an incident now, or as it was at an instant (I6, I7)."""
        call.principal.require_branch(self._branch_of(call))
        with self.storage.read() as connection:
            return handlers.get_incident(Records(connection), incident_id=call.params["id"], at=call.query.at)

    @http(calls.TIMELINE)
    def timeline(self, call: Call) -> Timeline:
        """Return everything that happened to an incident (I7)."""
        call.principal.require_branch(self._branch_of(call))
        with self.storage.read() as connection:
            return handlers.timeline(Records(connection), incident_id=call.params["id"])

    def _change(self, call: Call, use_case: Callable[..., IncidentView]) -> Answer:
        command = call.command_for(self._branch_of(call))
        incident_id, actor = call.params["id"], call.principal.subject
        return self.storage.execute(
            command, lambda tx: use_case(Desk(tx), incident_id=incident_id, actor=actor, body=call.body)
        )

    def _branch_of(self, call: Call) -> str:
        with self.storage.read() as connection:
            branch = Records(connection).branch_of(call.params["id"])
        if branch is None:
            raise IncidentNotFound(f"no incident has the id {call.params['id']!r}")
        return branch
