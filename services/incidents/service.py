"""The incidents service: decodes calls, runs a handler, answers (I1-I4, I6)."""

from typing import Any

from nameko.extensions import DependencyProvider

from services.incidents import handlers
from services.incidents.lobbies import Lobbies
from shared.bus import Database
from shared.contracts.http import incidents as calls
from shared.web.branches import Answer
from shared.web.entrypoint import http
from shared.web.request_context import Call


class LobbiesProvider(DependencyProvider):
    """Hands the service its lobbies."""

    database = Database()

    def start(self) -> None:
        """Begin, now that the database is open."""
        self._lobbies = Lobbies(self.database.storage)

    def get_dependency(self, worker_ctx: Any) -> Lobbies:
        """Return the ones of the container."""
        return self._lobbies


class IncidentsService:
    """What incidents answers."""

    name = "incidents"
    lobbies: Lobbies = LobbiesProvider()

    @http(calls.OPEN)
    def open_incident(self, call: Call) -> Answer:
        """Open an incident (I1-I4)."""
        actor = call.principal.subject
        return self.lobbies.carry_out(call, lambda uow: handlers.open_incident(uow, actor=actor, request=call.body))

    @http(calls.LIST)
    def list_incidents(self, call: Call) -> Answer:
        """Return the branch's incidents."""
        return self.lobbies.look(call.branch, handlers.list_incidents)

    @http(calls.STEP)
    def record_step(self, call: Call) -> Answer:
        """Record what was done (I1-I4, I6)."""
        actor = call.principal.subject
        return self.lobbies.step(
            call, lambda uow: handlers.record_step(uow, incident_id=call.id, actor=actor, request=call.body)
        )

    @http(calls.CLOSE)
    def close_incident(self, call: Call) -> Answer:
        """Close an incident (I6)."""
        actor = call.principal.subject
        return self.lobbies.step(
            call, lambda uow: handlers.close_incident(uow, incident_id=call.id, actor=actor, request=call.body)
        )

    @http(calls.AMEND)
    def amend_incident(self, call: Call) -> Answer:
        """Add to a closed record (I6)."""
        actor = call.principal.subject
        return self.lobbies.step(
            call, lambda uow: handlers.amend_incident(uow, incident_id=call.id, actor=actor, request=call.body)
        )

    @http(calls.GET)
    def get_incident(self, call: Call) -> Answer:
        """Return an incident now, or as it was at an instant (I6, I7)."""
        return self.lobbies.look_at(
            call, lambda lobby: handlers.get_incident(lobby, incident_id=call.id, at=call.query.at)
        )

    @http(calls.TIMELINE)
    def timeline(self, call: Call) -> Answer:
        """Return everything that happened to an incident (I7)."""
        return self.lobbies.look_at(call, lambda lobby: handlers.timeline(lobby, incident_id=call.id))
