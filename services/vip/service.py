"""The vip service: decodes calls, events and ticks, runs a handler, answers (V1-V3, V8)."""

from collections.abc import Callable
from typing import Any

from nameko.extensions import DependencyProvider

from services.vip import handlers
from services.vip.errors import HandoffNotFound
from services.vip.handlers import event_handlers
from services.vip.store import Desk, Records
from shared.bus import StorageProvider, every, on
from shared.commands import Replayed
from shared.contracts.envelope import Event
from shared.contracts.events import triage
from shared.contracts.http import vip as calls
from shared.contracts.http.vip import HandoffView, RosterView, VipView
from shared.settings import Settings
from shared.storage import Storage, Transaction
from shared.storage.vault import Vault
from shared.web.call import Call
from shared.web.entrypoint import http

Answer = HandoffView | Replayed | None


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
    storage: Storage = StorageProvider()
    vault: Vault = VaultProvider()

    @http(calls.ARRIVE)
    def arrive(self, call: Call) -> Answer:
        """Recognise a VIP customer (V1-V3)."""
        zone, vault = self.storage.settings.default_timezone, self.vault
        return self.storage.execute(
            call.command,
            lambda tx: handlers.arrive(Desk(tx), vault, branch=call.branch, zone=zone, arrival=call.body),
        )

    @http(calls.VIP)
    def vip(self, call: Call) -> VipView:
        """Return who is in the lobby, and the managers."""
        with self.storage.read() as connection:
            return handlers.vip_view(Records(connection), call.branch, now=self.storage.clock.now())

    @http(calls.ACCEPT)
    def accept(self, call: Call) -> Answer:
        """Take the customer (V3)."""
        return self._change(call, handlers.accept_handoff, body=call.body, roles=call.principal.roles)

    @http(calls.DECLINE)
    def decline(self, call: Call) -> Answer:
        """Pass the customer on to the next manager (V3)."""
        return self._change(call, handlers.decline_handoff, body=call.body)

    @http(calls.COMPLETE)
    def complete(self, call: Call) -> Answer:
        """Be done with the customer (V3)."""
        return self._change(call, handlers.complete_handoff)

    @http(calls.GET_ROSTER)
    def roster(self, call: Call) -> RosterView:
        """Return who is on duty (V8)."""
        with self.storage.read() as connection:
            return handlers.roster_view(Records(connection), call.branch)

    @http(calls.SET_ROSTER)
    def set_roster(self, call: Call) -> RosterView | Replayed | None:
        """Set who is on duty (V8)."""
        return self.storage.execute(
            call.command, lambda tx: handlers.set_roster(Desk(tx), branch=call.branch, roster=call.body)
        )

    @on(triage.TicketIssued, where=handlers.is_for_vips)
    def ticket_issued(self, tx: Transaction, event: Event) -> None:
        """Remember a VIP ticket (V1)."""
        event_handlers.ticket_issued(Desk(tx), event)

    @on(triage.TicketPrinted, where=handlers.is_for_vips)
    def ticket_printed(self, tx: Transaction, event: Event) -> None:
        """Take a VIP ticket's paper for the customer's arrival (V1)."""
        event_handlers.ticket_printed(Desk(tx), event)

    @on(triage.TicketCalled)
    def ticket_called(self, tx: Transaction, event: Event) -> None:
        """Withdraw the hand-off of a VIP ticket that a window has called (V1)."""
        event_handlers.ticket_called(Desk(tx), event)

    @on(triage.TicketLeft)
    def ticket_left(self, tx: Transaction, event: Event) -> None:
        """Withdraw the hand-off of a VIP ticket whose customer has left."""
        event_handlers.ticket_left(Desk(tx), event)

    @on(triage.VisitEnded)
    def visit_ended(self, tx: Transaction, event: Event) -> None:
        """Withdraw or complete the hand-off of a customer who is gone."""
        event_handlers.visit_ended(Desk(tx), event)

    @every(seconds=1)
    def tick(self) -> None:
        """Pass on what nobody answered in time, a branch at a time (V3).

        Who waits in the lounge needs no look: whatever frees a manager offers them in its own transaction.
        """
        with self.storage.read() as connection:
            branches = Records(connection).overdue(self.storage.clock.now())
        for branch in branches:
            with self.storage.transaction(branch) as tx:
                handlers.settle(Desk(tx), branch)

    def _change(self, call: Call, use_case: Callable[..., HandoffView], **given: Any) -> Answer:
        command = call.command_for(self._branch_of(call))
        handoff_id = call.params["id"]
        return self.storage.execute(command, lambda tx: use_case(Desk(tx), handoff_id=handoff_id, **given))

    def _branch_of(self, call: Call) -> str:
        with self.storage.read() as connection:
            branch = Records(connection).branch_of(call.params["id"])
        if branch is None:
            raise HandoffNotFound(f"no hand-off has the id {call.params['id']!r}")
        return branch
