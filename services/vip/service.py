"""The vip service: decodes calls, events and ticks, runs a handler, answers (V1-V3, V8)."""

from typing import Any

from nameko.extensions import DependencyProvider

from services.vip import handlers
from services.vip.handlers import event_handlers
from services.vip.lobbies import Lobbies
from shared.bus import Database, every, on
from shared.contracts.envelope import Event
from shared.contracts.events import triage
from shared.contracts.http import vip as calls
from shared.settings import Settings
from shared.storage import Transaction
from shared.storage.vault import Vault
from shared.web.branches import Answer
from shared.web.entrypoint import http
from shared.web.request_context import Call

LOOK_INTERVAL_S = 1.0
"""Wall seconds between two looks at the clock."""


class LobbiesProvider(DependencyProvider):
    """Hands the service its lobbies."""

    database = Database()

    def start(self) -> None:
        """Begin, now that the database is open."""
        self._lobbies = Lobbies(self.database.storage)

    def get_dependency(self, worker_ctx: Any) -> Lobbies:
        """Return the ones of the container."""
        return self._lobbies


class VaultProvider(DependencyProvider):
    """Hands the vault to the service; it is vip alone that opens it."""

    def setup(self) -> None:
        """Open it; raise SettingsError where its key can't be read."""
        settings: Settings = self.container.config["settings"]
        self._vault = Vault(settings, clock=settings.business_clock)

    def stop(self) -> None:
        """Give its connections back."""
        self._vault.close()

    def get_dependency(self, worker_ctx: Any) -> Vault:
        """Return the one of the container."""
        return self._vault


class VipService:
    """What vip answers, hears and does by itself."""

    name = "vip"
    lobbies: Lobbies = LobbiesProvider()
    vault: Vault = VaultProvider()

    @http(calls.ARRIVE)
    def arrive(self, call: Call) -> Answer:
        """Recognise a VIP customer (V1-V3)."""
        return self.lobbies.carry_out(call, lambda uow: handlers.arrive(uow, self.vault, request=call.body))

    @http(calls.VIP)
    def vip(self, call: Call) -> Answer:
        """Return who is in the lobby, and the managers."""
        return self.lobbies.look(call.branch, handlers.vip_view)

    @http(calls.ACCEPT)
    def accept(self, call: Call) -> Answer:
        """Take the customer (V3)."""
        actor = _actor(call)
        return self.lobbies.step(
            call, lambda uow: handlers.accept_handoff(uow, handoff_id=call.id, request=call.body, actor=actor)
        )

    @http(calls.DECLINE)
    def decline(self, call: Call) -> Answer:
        """Pass the customer on to the next manager (V3)."""
        actor = _actor(call)
        return self.lobbies.step(
            call, lambda uow: handlers.decline_handoff(uow, handoff_id=call.id, request=call.body, actor=actor)
        )

    @http(calls.COMPLETE)
    def complete(self, call: Call) -> Answer:
        """Be done with the customer (V3)."""
        return self.lobbies.step(
            call, lambda uow: handlers.complete_handoff(uow, handoff_id=call.id, actor=_actor(call))
        )

    @http(calls.GET_ROSTER)
    def roster(self, call: Call) -> Answer:
        """Return who is on duty (V8)."""
        return self.lobbies.look(call.branch, handlers.roster_view)

    @http(calls.SET_ROSTER)
    def set_roster(self, call: Call) -> Answer:
        """Set who is on duty (V8)."""
        return self.lobbies.carry_out(call, lambda uow: handlers.set_roster(uow, request=call.body))

    @on(triage.TicketIssued, where=handlers.is_for_vips)
    def ticket_issued(self, tx: Transaction, event: Event) -> None:
        """Remember a VIP ticket (V1)."""
        event_handlers.ticket_issued(self.lobbies.unit_of_work(tx, event.branchid), event)

    @on(triage.TicketPrinted, where=handlers.is_for_vips)
    def ticket_printed(self, tx: Transaction, event: Event) -> None:
        """Take a VIP ticket's paper for the customer's arrival (V1)."""
        event_handlers.ticket_printed(self.lobbies.unit_of_work(tx, event.branchid), event)

    @on(triage.TicketCalled)
    def ticket_called(self, tx: Transaction, event: Event) -> None:
        """Withdraw the hand-off of a VIP ticket that a window has called (V1)."""
        event_handlers.ticket_called(self.lobbies.unit_of_work(tx, event.branchid), event)

    @on(triage.TicketLeft)
    def ticket_left(self, tx: Transaction, event: Event) -> None:
        """Withdraw the hand-off of a VIP ticket whose customer has left."""
        event_handlers.ticket_left(self.lobbies.unit_of_work(tx, event.branchid), event)

    @on(triage.VisitEnded)
    def visit_ended(self, tx: Transaction, event: Event) -> None:
        """Withdraw or complete the hand-off of a customer who is gone."""
        event_handlers.visit_ended(self.lobbies.unit_of_work(tx, event.branchid), event)

    @every(seconds=LOOK_INTERVAL_S)
    def watch_offers(self) -> None:
        """Pass on what nobody answered in time (V3)."""
        self.lobbies.watch_offers()


def _actor(call: Call) -> handlers.Actor:
    return handlers.Actor(subject=call.principal.subject, roles=call.principal.roles)
