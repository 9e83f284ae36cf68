"""The triage service: decodes calls and events, runs a handler, answers (T1-T12)."""

from collections.abc import Callable
from typing import Any

from nameko.extensions import DependencyProvider

from services.triage import handlers
from services.triage.handlers import event_handlers
from services.triage.lobbies import Lobbies
from shared.bus import Database, every, on
from shared.contracts.base import View
from shared.contracts.envelope import Event
from shared.contracts.events import terminal, vip
from shared.contracts.http import triage as calls
from shared.contracts.http.appointments import APPOINTMENTS, BOOK, CANCEL
from shared.contracts.http.attention import CARE, CARED, DIVERSION
from shared.contracts.http.fairness import FAIRNESS
from shared.storage import Transaction
from shared.web.branches import Answer
from shared.web.entrypoint import http
from shared.web.request_context import Call

LOOK_INTERVAL_S = 1.0
"""Wall seconds between two looks at the clock, and at the bank's policy file."""


class LobbiesProvider(DependencyProvider):
    """Hands the service its lobbies: one object, that remembers what it has parsed."""

    database = Database()

    def start(self) -> None:
        """Read the bank's policy file, now that the database is open."""
        self._lobbies = Lobbies(self.database.storage, self.database.settings)

    def get_dependency(self, worker_ctx: Any) -> Lobbies:
        """Return the ones of the container."""
        return self._lobbies


class TriageService:
    """What triage answers and hears."""

    name = "triage"
    lobbies: Lobbies = LobbiesProvider()

    @http(calls.TAKE_TICKET)
    def take_ticket(self, call: Call) -> Answer:
        """Take a ticket (T1-T5, T9)."""
        return self.lobbies.carry_out(call, lambda uow: handlers.take_ticket(uow, request=call.body))

    @http(calls.TICKET_PRINTED)
    def ticket_printed(self, call: Call) -> Answer:
        """Let the ticket wait (T4)."""
        return self.lobbies.carry_out(call, lambda uow: handlers.printed(uow, ticket_id=call.id))

    @http(calls.PRINT_FAILED)
    def print_failed(self, call: Call) -> Answer:
        """Take a number back whose paper did not come out (T4)."""
        return self.lobbies.carry_out(call, lambda uow: handlers.print_failed(uow, ticket_id=call.id))

    @http(calls.REPRINT)
    def reprint(self, call: Call) -> Answer:
        """Count a copy of the paper (T4)."""
        return self.lobbies.carry_out(call, lambda uow: handlers.reprint(uow, ticket_id=call.id))

    @http(calls.LEASE_NUMBERS)
    def lease_numbers(self, call: Call) -> Answer:
        """Lease numbers to a terminal (T4)."""
        return self.lobbies.carry_out(
            call, lambda uow: handlers.lease_numbers(uow, terminal_id=call.params["t"], request=call.body)
        )

    def _at_counter(self, call: Call, use_case: Callable[[handlers.UnitOfWork], View | None]) -> Answer:
        """Carry out what is done at the counter that the path names, by whose it is."""
        who = call.principal

        def carry_out(uow: handlers.UnitOfWork) -> View | None:
            handlers.require_own(uow, call.params["c"], who.subject, who.roles)
            return use_case(uow)

        return self.lobbies.carry_out(call, carry_out)

    def _at_its_counter(self, call: Call, use_case: Callable[[handlers.UnitOfWork], View]) -> Answer:
        """Carry out a step of a ticket, by whose the counter is that the ticket is at."""
        who = call.principal

        def carry_out(uow: handlers.UnitOfWork) -> View:
            handlers.require_own_ticket(uow, call.id, who.subject, who.roles)
            return use_case(uow)

        return self.lobbies.step(call, carry_out)

    @http(calls.OPEN_COUNTER)
    def open_counter(self, call: Call) -> Answer:
        """Open a counter (T10)."""
        return self._at_counter(
            call,
            lambda uow: handlers.open_counter(
                uow, counter=call.params["c"], request=call.body, by=call.principal.subject
            ),
        )

    @http(calls.CLOSE_COUNTER)
    def close_counter(self, call: Call) -> Answer:
        """Close a counter (T10)."""
        return self._at_counter(call, lambda uow: handlers.close_counter(uow, counter=call.params["c"]))

    @http(calls.CALL_NEXT)
    def call_next(self, call: Call) -> Answer:
        """Call the next ticket (T7, T12)."""
        return self._at_counter(call, lambda uow: handlers.call_next(uow, counter=call.params["c"]))

    @http(calls.CALL_NUMBER)
    def call_number(self, call: Call) -> Answer:
        """Call a specific ticket (T7)."""
        return self._at_counter(
            call, lambda uow: handlers.call_number(uow, counter=call.params["c"], request=call.body)
        )

    @http(calls.RECALL)
    def recall(self, call: Call) -> Answer:
        """Call the number again (T7)."""
        return self._at_its_counter(call, lambda uow: handlers.recall(uow, ticket_id=call.id))

    @http(calls.START)
    def start(self, call: Call) -> Answer:
        """Begin the service (T7)."""
        return self._at_its_counter(call, lambda uow: handlers.start(uow, ticket_id=call.id))

    @http(calls.COMPLETE)
    def complete(self, call: Call) -> Answer:
        """End the service (T7)."""
        return self._at_its_counter(call, lambda uow: handlers.complete(uow, ticket_id=call.id))

    @http(calls.NO_SHOW)
    def no_show(self, call: Call) -> Answer:
        """Nobody came (T7)."""
        return self._at_its_counter(call, lambda uow: handlers.no_show(uow, ticket_id=call.id))

    @http(calls.RETURN)
    def return_after_no_show(self, call: Call) -> Answer:
        """Let who missed the call stand where they stood (T7)."""
        return self._at_its_counter(call, lambda uow: handlers.return_after_no_show(uow, ticket_id=call.id))

    @http(calls.HOLD)
    def hold(self, call: Call) -> Answer:
        """Set the business aside (T7)."""
        return self._at_its_counter(call, lambda uow: handlers.hold(uow, ticket_id=call.id))

    @http(calls.RESUME)
    def resume(self, call: Call) -> Answer:
        """Go on with it (T7)."""
        return self._at_its_counter(call, lambda uow: handlers.resume(uow, ticket_id=call.id))

    @http(calls.TRANSFER)
    def transfer(self, call: Call) -> Answer:
        """Let the ticket wait for another channel (T7)."""
        return self._at_its_counter(call, lambda uow: handlers.transfer(uow, ticket_id=call.id, request=call.body))

    @http(calls.LEFT)
    def left(self, call: Call) -> Answer:
        """Record that the customer left (T7)."""
        return self._at_its_counter(call, lambda uow: handlers.left(uow, ticket_id=call.id, remark=call.body))

    @http(calls.UNDO)
    def undo(self, call: Call) -> Answer:
        """Take the last step back (T7)."""
        return self._at_its_counter(call, lambda uow: handlers.undo(uow, ticket_id=call.id, remark=call.body))

    @http(calls.DEVICE_STATUS)
    def device_status(self, call: Call) -> Answer:
        """Take a device's report (T10)."""
        report: calls.DeviceStatus = call.body
        return self.lobbies.carry_out(
            call,
            lambda uow: handlers.report_device(
                uow, device_id=call.params["d"], kind=report.kind, status=report.status, detail=report.detail
            ),
        )

    @http(calls.QUEUE)
    def queue(self, call: Call) -> Answer:
        """Return the lobby now."""
        return self.lobbies.look(call.branch, handlers.queue_view)

    @http(BOOK)
    def book_appointments(self, call: Call) -> Answer:
        """Book or import appointments (T11)."""
        return self.lobbies.carry_out(call, lambda uow: handlers.book(uow, request=call.body))

    @http(APPOINTMENTS)
    def appointments(self, call: Call) -> Answer:
        """Return a day's appointments (T11)."""
        return self.lobbies.look(call.branch, lambda lobby: handlers.appointments_view(lobby, day=call.query.day))

    @http(CANCEL)
    def cancel_appointment(self, call: Call) -> Answer:
        """Cancel an appointment (T11)."""
        return self.lobbies.carry_out(call, lambda uow: handlers.cancel(uow, appointment_id=call.id, remark=call.body))

    @http(CARE)
    def care(self, call: Call) -> Answer:
        """Return whom to look after (T8)."""
        return self.lobbies.look(call.branch, handlers.attention_view)

    @http(CARED)
    def cared(self, call: Call) -> Answer:
        """Record that somebody looked after a customer (T8)."""
        by = call.principal.subject
        return self.lobbies.carry_out(
            call, lambda uow: handlers.attend(uow, ticket_id=call.id, request=call.body, by=by)
        )

    @http(DIVERSION)
    def diversion(self, call: Call) -> Answer:
        """Note what becomes of the guidance to a device (T3)."""
        return self.lobbies.carry_out(call, lambda uow: handlers.divert(uow, ticket_id=call.id, request=call.body))

    @http(FAIRNESS)
    def fairness(self, call: Call) -> Answer:
        """Return a day's fairness ledger (T12)."""
        return self.lobbies.look(call.branch, lambda lobby: handlers.fairness_view(lobby, day=call.query.day))

    @http(calls.TICKET)
    def ticket(self, call: Call) -> Answer:
        """Return one ticket."""
        return self.lobbies.look_at(call, lambda lobby: handlers.one_ticket(lobby, ticket_id=call.id))

    @http(calls.POLICY)
    def policy(self, call: Call) -> Answer:
        """Return the policy that the branch is run by."""
        return self.lobbies.look(call.branch, lambda lobby: self.lobbies.policies.view(call.branch, lobby.state))

    @http(calls.SET_POLICY)
    def set_policy(self, call: Call) -> Answer:
        """Set what the branch does differently from the bank."""
        by = call.principal.subject
        return self.lobbies.carry_out(call, lambda uow: self.lobbies.policies.set(uow, call.raw, by))

    @http(calls.CLEAR_POLICY)
    def clear_policy(self, call: Call) -> Answer:
        """Take back what the branch does differently from the bank."""
        by = call.principal.subject
        return self.lobbies.carry_out(call, lambda uow: self.lobbies.policies.set(uow, b"{}", by))

    @every(seconds=LOOK_INTERVAL_S)
    def follow_policy_file(self) -> None:
        """Let the branches follow the bank's policy file when it changes."""
        self.lobbies.follow_policy_file()

    @on(terminal.TicketRequested)
    def ticket_requested(self, tx: Transaction, event: Event) -> None:
        """Issue the ticket that somebody wants at a terminal (T4)."""
        event_handlers.ticket_requested(self.lobbies.unit_of_work(tx, event.branchid), event)

    @on(terminal.TicketIssuedOffline)
    def ticket_issued_offline(self, tx: Transaction, event: Event) -> None:
        """Enter a ticket that a terminal gave out by itself (T4)."""
        event_handlers.ticket_issued_offline(self.lobbies.unit_of_work(tx, event.branchid), event)

    @on(terminal.TicketPrinted)
    def paper_printed(self, tx: Transaction, event: Event) -> None:
        """Let the ticket wait (T4)."""
        event_handlers.paper_printed(self.lobbies.unit_of_work(tx, event.branchid), event)

    @on(terminal.TicketPrintFailed)
    def paper_failed(self, tx: Transaction, event: Event) -> None:
        """Take a number back whose paper did not come out (T4)."""
        event_handlers.paper_failed(self.lobbies.unit_of_work(tx, event.branchid), event)

    @on(terminal.TicketLeft)
    def customer_left(self, tx: Transaction, event: Event) -> None:
        """Record that the customer left (T7)."""
        event_handlers.paper_left(self.lobbies.unit_of_work(tx, event.branchid), event)

    @on(terminal.DeviceReported)
    def device_reported(self, tx: Transaction, event: Event) -> None:
        """Take a device's report (T10)."""
        event_handlers.device_reported(self.lobbies.unit_of_work(tx, event.branchid), event)

    @on(vip.HandoffAccepted)
    def handoff_accepted(self, tx: Transaction, event: Event) -> None:
        """Let the manager's desk call and serve the VIP's ticket (V3)."""
        event_handlers.handoff_accepted(self.lobbies.unit_of_work(tx, event.branchid), event)

    @on(vip.HandoffCompleted)
    def handoff_completed(self, tx: Transaction, event: Event) -> None:
        """Complete the ticket that the manager's desk serves (V3)."""
        event_handlers.handoff_completed(self.lobbies.unit_of_work(tx, event.branchid), event)

    @every(seconds=LOOK_INTERVAL_S)
    def watch_waits(self) -> None:
        """Raise the alarms that are due, and tell which lines crossed a threshold (T8, T12)."""
        self.lobbies.watch_waits()

    @every(seconds=LOOK_INTERVAL_S, after_silence=True)
    def conclude_from_silence(self) -> None:
        """Give up papers that nobody reported, and end what a day left open (T4, T7)."""
        self.lobbies.conclude_from_silence()
