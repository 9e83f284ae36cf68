"""The triage service: decodes calls and events, runs a handler, answers (T1-T7, T9, T10)."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from nameko.extensions import DependencyProvider
from sqlalchemy import Connection

from services.triage import handlers
from services.triage.handlers import House, event_handlers
from services.triage.handlers.closing import AT_ONCE, Silence
from services.triage.houses import Houses
from services.triage.store import Appointments, Desk, Due, Ledger, Records, WatchDesk
from shared.bus import StorageProvider, every, on
from shared.commands import Replayed
from shared.contracts.base import View
from shared.contracts.envelope import Event
from shared.contracts.events import terminal, vip
from shared.contracts.http import triage as calls
from shared.contracts.http.appointments import APPOINTMENTS, BOOK, CANCEL
from shared.contracts.http.care import CARE, CARED
from shared.contracts.http.diversion import DIVERSION
from shared.contracts.http.fairness import FAIRNESS
from shared.storage import Storage, Transaction
from shared.web.call import Call
from shared.web.entrypoint import http

Answer = View | Replayed | None

LOOK_S = 2.0
"""Wall seconds between two looks at the clock."""
POLICY_LOOK_S = 1.0
"""Wall seconds between two looks at the bank's policy file."""


class HousesProvider(DependencyProvider):
    """Hands the houses to the service: one object, that remembers what it has parsed."""

    def setup(self) -> None:
        """Read the bank's policy file."""
        self._houses = Houses(self.container.config["settings"])

    def get_dependency(self, worker_ctx: Any) -> Houses:
        """Return the ones of the container."""
        return self._houses


class TriageService:
    """What triage answers and hears."""

    name = "triage"
    storage: Storage = StorageProvider()
    houses: Houses = HousesProvider()

    @http(calls.TAKE_TICKET)
    def take_ticket(self, call: Call) -> Answer:
        """Take a ticket (T1-T5, T9)."""
        return self._in_house(call, handlers.take_ticket, request=call.body)

    @http(calls.TICKET_PRINTED)
    def ticket_printed(self, call: Call) -> Answer:
        """Let the ticket wait (T4)."""
        return self._in_house(call, handlers.printed, ticket_id=call.params["id"])

    @http(calls.PRINT_FAILED)
    def print_failed(self, call: Call) -> Answer:
        """Take a number back whose paper did not come out (T4)."""
        return self._in_house(call, handlers.print_failed, ticket_id=call.params["id"])

    @http(calls.REPRINT)
    def reprint(self, call: Call) -> Answer:
        """Count a copy of the paper (T4)."""
        return self._in_house(call, handlers.reprint, ticket_id=call.params["id"])

    @http(calls.LEASE_NUMBERS)
    def lease_numbers(self, call: Call) -> Answer:
        """Lease numbers to a terminal (T4)."""
        return self._in_house(call, handlers.lease_numbers, terminal_id=call.params["t"], request=call.body)

    @http(calls.OPEN_COUNTER)
    def open_counter(self, call: Call) -> Answer:
        """Open a counter (T10)."""
        return self._in_house(call, handlers.open_counter, counter=call.params["c"], request=call.body)

    @http(calls.CLOSE_COUNTER)
    def close_counter(self, call: Call) -> Answer:
        """Close a counter (T10)."""
        return self._in_house(call, handlers.close_counter, counter=call.params["c"])

    @http(calls.CALL_NEXT)
    def call_next(self, call: Call) -> Answer:
        """Call the next ticket (T7, T12)."""
        return self._in_house(call, handlers.call_next, counter=call.params["c"])

    @http(calls.CALL_NUMBER)
    def call_number(self, call: Call) -> Answer:
        """Call a specific ticket (T7)."""
        return self._in_house(call, handlers.call_number, counter=call.params["c"], request=call.body)

    @http(calls.RECALL)
    def recall(self, call: Call) -> Answer:
        """Call the number again (T7)."""
        return self._step(call, handlers.recall)

    @http(calls.START)
    def start(self, call: Call) -> Answer:
        """Begin the service (T7)."""
        return self._step(call, handlers.start)

    @http(calls.COMPLETE)
    def complete(self, call: Call) -> Answer:
        """End the service (T7)."""
        return self._step(call, handlers.complete)

    @http(calls.NO_SHOW)
    def no_show(self, call: Call) -> Answer:
        """Nobody came (T7)."""
        return self._step(call, handlers.no_show)

    @http(calls.RETURN)
    def come_back(self, call: Call) -> Answer:
        """Let who missed the call stand where they stood (T7)."""
        return self._step(call, handlers.come_back)

    @http(calls.HOLD)
    def hold(self, call: Call) -> Answer:
        """Set the business aside (T7)."""
        return self._step(call, handlers.hold)

    @http(calls.RESUME)
    def resume(self, call: Call) -> Answer:
        """Go on with it (T7)."""
        return self._step(call, handlers.resume)

    @http(calls.TRANSFER)
    def transfer(self, call: Call) -> Answer:
        """Let the ticket wait for another channel (T7)."""
        return self._step(call, handlers.transfer, request=call.body)

    @http(calls.LEFT)
    def left(self, call: Call) -> Answer:
        """Record that the customer left (T7)."""
        return self._step(call, handlers.left, remark=call.body)

    @http(calls.UNDO)
    def undo(self, call: Call) -> Answer:
        """Take the last step back (T7)."""
        return self._step(call, handlers.undo, remark=call.body)

    @http(calls.DEVICE_STATUS)
    def device_status(self, call: Call) -> Answer:
        """Take a device's report (T10)."""
        report = call.body
        return self._in_house(
            call,
            handlers.report_device,
            device_id=call.params["d"],
            kind=report.kind,
            status=report.status,
            detail=report.detail,
        )

    @http(calls.QUEUE)
    def queue(self, call: Call) -> Answer:
        """Return the lobby now."""
        return self._look(call, Records, handlers.queue_view)

    @http(BOOK)
    def book_appointments(self, call: Call) -> Answer:
        """Book or import appointments (T11)."""
        return self._in_house(call, handlers.book, request=call.body)

    @http(APPOINTMENTS)
    def appointments(self, call: Call) -> Answer:
        """Return a day's appointments (T11)."""
        return self._look(call, Appointments, handlers.appointments_view, day=call.query.day)

    @http(CANCEL)
    def cancel_appointment(self, call: Call) -> Answer:
        """Cancel an appointment (T11)."""
        return self._in_house(call, handlers.cancel, appointment_id=call.params["id"], remark=call.body)

    @http(CARE)
    def care(self, call: Call) -> Answer:
        """Return whom to look after (T8)."""
        return self._look(call, Due, handlers.care_view)

    @http(CARED)
    def cared(self, call: Call) -> Answer:
        """Record that somebody looked after a customer (T8)."""
        given = {"ticket_id": call.params["id"], "request": call.body, "by": call.principal.subject}
        return self._in_house(call, handlers.cared, **given)

    @http(DIVERSION)
    def diversion(self, call: Call) -> Answer:
        """Note what becomes of the guidance to a device (T3)."""
        return self._in_house(call, handlers.divert, ticket_id=call.params["id"], request=call.body)

    @http(FAIRNESS)
    def fairness(self, call: Call) -> Answer:
        """Return a day's fairness ledger (T12)."""
        return self._look(call, Ledger, handlers.fairness_view, day=call.query.day)

    @http(calls.TICKET)
    def ticket(self, call: Call) -> Answer:
        """Return one ticket."""
        branch = self.houses.branch_of(self.storage, call.params["id"])
        call.principal.require_branch(branch)
        return self._look(call, Records, handlers.one_ticket, branch=branch, ticket_id=call.params["id"])

    @http(calls.POLICY)
    def policy(self, call: Call) -> Answer:
        """Return the policy that the branch is run by."""
        with self.storage.read() as connection:
            return self.houses.view(connection, call.branch)

    @http(calls.SET_POLICY)
    def set_policy(self, call: Call) -> Answer:
        """Set what the branch does differently from the bank."""
        by = call.principal.subject
        return self.storage.execute(call.command, lambda tx: self.houses.set(tx, call.branch, call.raw, by))

    @every(seconds=POLICY_LOOK_S)
    def follow_policy_file(self) -> None:
        """Let the branches follow the bank's policy file when it changes."""
        self.houses.refresh(self.storage)

    @on(terminal.TicketRequested)
    def ticket_requested(self, tx: Transaction, event: Event) -> None:
        """Issue the ticket that somebody wants at a terminal (T4)."""
        event_handlers.ticket_requested(*self._enter(tx, event.branchid), event)

    @on(terminal.TicketIssuedOffline)
    def ticket_issued_offline(self, tx: Transaction, event: Event) -> None:
        """Enter a ticket that a terminal gave out by itself (T4)."""
        event_handlers.ticket_issued_offline(*self._enter(tx, event.branchid), event)

    @on(terminal.TicketPrinted)
    def paper_printed(self, tx: Transaction, event: Event) -> None:
        """Let the ticket wait (T4)."""
        event_handlers.paper_printed(*self._enter(tx, event.branchid), event)

    @on(terminal.TicketPrintFailed)
    def paper_failed(self, tx: Transaction, event: Event) -> None:
        """Take a number back whose paper did not come out (T4)."""
        event_handlers.paper_failed(*self._enter(tx, event.branchid), event)

    @on(terminal.TicketLeft)
    def customer_left(self, tx: Transaction, event: Event) -> None:
        """Record that the customer left (T7)."""
        event_handlers.paper_left(*self._enter(tx, event.branchid), event)

    @on(terminal.DeviceReported)
    def device_reported(self, tx: Transaction, event: Event) -> None:
        """Take a device's report (T10)."""
        event_handlers.device_reported(*self._enter(tx, event.branchid), event)

    @on(vip.HandoffAccepted)
    def handoff_accepted(self, tx: Transaction, event: Event) -> None:
        """Let the manager's desk call and serve the VIP's ticket (V3)."""
        event_handlers.handoff_accepted(*self._enter(tx, event.branchid), event)

    @on(vip.HandoffCompleted)
    def handoff_completed(self, tx: Transaction, event: Event) -> None:
        """Complete the ticket that the manager's desk serves (V3)."""
        event_handlers.handoff_completed(*self._enter(tx, event.branchid), event)

    @every(seconds=LOOK_S, after_silence=True)
    def keep_time(self) -> None:
        """Give up papers that nobody reported, and end what a day left open (T4, T7)."""
        now, settings = self.storage.clock.now(), self.storage.settings
        silence = Silence(wall_s=settings.silence_s, rate=self.storage.clock.rate)
        today = now.astimezone(settings.default_timezone).date()
        with self.storage.read() as connection:
            unprinted = Records(connection).unprinted(silence.before(now), AT_ONCE)
            overdue = Records(connection).overdue(today)
        for branch in overdue:
            with self.storage.transaction(branch) as tx:
                handlers.end_days(*self._enter(tx, branch), branch=branch, silence=silence)
        for branch, ticket_ids in unprinted.items():
            with self.storage.transaction(branch) as tx:
                desk, house = self._enter(tx, branch)
                handlers.give_up_papers(desk, house, branch=branch, ticket_ids=ticket_ids, silence=silence)

    @every(seconds=1)
    def watch(self) -> None:
        """Raise the alarms that are due, and tell which lines crossed a threshold (T8, T12)."""
        now = self.storage.clock.now()
        with self.storage.read() as connection:
            alarms, lines = Due(connection).alarms_due(now, AT_ONCE), Due(connection).lines_due(now, AT_ONCE)
        for branch in {*alarms, *lines}:
            with self.storage.transaction(branch) as tx:
                house = self.houses.enter(tx, branch)
                desk = WatchDesk(tx, house.policy)
                handlers.raise_alarms(desk, house, branch=branch, ticket_ids=alarms.get(branch, ()))
                handlers.check_lines(desk, house, branch=branch, lines=lines.get(branch, ()))

    def _in_house(self, call: Call, use_case: Callable[..., View | None], **given: Any) -> Answer:
        """Carry out a use case of the call's branch."""
        run = partial(self._run, use_case, call.branch, given)
        answer = self.storage.execute(call.command, run)
        if isinstance(answer, (calls.TicketTaken, calls.TicketView)):
            self.houses.saw(answer.ticket_id, call.branch)  # who steps on with it names no branch
        return answer

    def _step(self, call: Call, use_case: Callable[..., View], **given: Any) -> Answer:
        """Carry out a use case of a ticket, which knows its branch."""
        branch = self.houses.branch_of(self.storage, call.params["id"])
        run = partial(self._run, use_case, branch, {**given, "ticket_id": call.params["id"]})
        return self.storage.execute(call.command_for(branch), run)

    def _run(self, use_case: Callable[..., Any], branch: str, given: Mapping[str, Any], tx: Transaction) -> Any:
        return use_case(*self._enter(tx, branch), branch=branch, **given)

    def _enter(self, tx: Transaction, branch: str) -> tuple[Desk, House]:
        """Return what a use case gets: the branch's desk, and the house that it is run by."""
        house = self.houses.enter(tx, branch)
        return Desk(tx, house.policy), house

    def _look(
        self,
        call: Call,
        records: Callable[[Connection], Any],
        view: Callable[..., View],
        *,
        branch: str | None = None,
        **given: Any,
    ) -> View:
        """Return a view of a branch as it is now; of the call's, where no other is named."""
        branch = call.branch if branch is None else branch
        with self.storage.read() as connection:
            house, now = self.houses.seen(connection, branch), self.storage.clock.now()
            return view(records(connection), house, branch=branch, now=now, **given)
