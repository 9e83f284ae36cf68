"""A branch's lobby as a test sees it: the real use cases on a real database, or in memory."""

from dataclasses import replace
from datetime import datetime

from services.triage import handlers
from services.triage.handlers import House
from services.triage.policy import Policy
from services.triage.policy_file import default
from services.triage.service import TriageService
from services.triage.store import Desk, Due, Records, WatchDesk
from shared.bus.event_handlers import handler_of
from shared.clock import ManualClock
from shared.commands import Cause
from shared.contracts.base import EventData
from shared.contracts.envelope import Event
from shared.contracts.http import triage as calls
from shared.contracts.http.appointments import AppointmentView, BookAppointments
from shared.contracts.http.care import Cared, CareView
from shared.contracts.http.diversion import DiversionStep
from shared.contracts.registry import decode, type_of
from shared.ids import new_id
from shared.storage import Storage, Transaction
from shared.storage.log import after
from tests.triage.memory import MemoryStorage

BRANCH = "demo"


class Service(TriageService):
    """The service's event handlers, in this lobby."""

    def __init__(self, lobby: "Lobby") -> None:
        self._lobby = lobby

    def _enter(self, tx: Transaction, branch: str) -> tuple[Desk, House]:
        return self._lobby.desk(tx), self._lobby.house  # type: ignore[return-value]


class Lobby:
    """Does what the service does with a call or an event."""

    def __init__(self, storage: Storage | MemoryStorage, clock: ManualClock, policy: Policy | None = None) -> None:
        self.storage = storage
        self.clock = clock
        offer = default().of(BRANCH).policy
        policy = offer if policy is None else replace(policy, businesses=offer.businesses, forms=offer.forms)
        self.house = House(zone=storage.settings.default_timezone, policy=policy)
        self._service = Service(self)

    def take(self, business: str = "account_service", branch: str = BRANCH, **fields: object) -> calls.TicketTaken:
        request = calls.TakeTicket.model_validate({"business": business, **fields})
        with self.storage.transaction(branch) as tx:
            return handlers.take_ticket(self.desk(tx), self.house, branch=branch, request=request)

    def wait(self, business: str = "account_service", **fields: object) -> calls.TicketTaken:
        """Take a ticket and print it."""
        taken = self.take(business, **fields)
        self.do("printed", taken.ticket_id)
        return taken

    def open(self, counter: str = "1", *channels: str, branch: str = BRANCH) -> calls.CounterView:
        request = calls.OpenCounter.model_validate({"channels": channels} if channels else {})
        with self.storage.transaction(branch) as tx:
            return handlers.open_counter(self.desk(tx), self.house, branch=branch, counter=counter, request=request)

    def open_for(self, counter: str, businesses: list[str], *channels: str) -> calls.CounterView:
        """Open a counter with skills."""
        given = {"businesses": businesses, **({"channels": channels} if channels else {})}
        request = calls.OpenCounter.model_validate(given)
        with self.storage.transaction(BRANCH) as tx:
            return handlers.open_counter(self.desk(tx), self.house, branch=BRANCH, counter=counter, request=request)

    def staff(self, counter: str, teller: str, *channels: str) -> calls.CounterView:
        """Open a counter with somebody at it."""
        given = {"teller_ref": teller, **({"channels": channels} if channels else {})}
        request = calls.OpenCounter.model_validate(given)
        with self.storage.transaction(BRANCH) as tx:
            return handlers.open_counter(self.desk(tx), self.house, branch=BRANCH, counter=counter, request=request)

    def close(self, counter: str = "1") -> calls.CounterView:
        with self.storage.transaction(BRANCH) as tx:
            return handlers.close_counter(self.desk(tx), self.house, branch=BRANCH, counter=counter)

    def next(self, counter: str = "1", *, branch: str = BRANCH) -> calls.TicketView | None:
        with self.storage.transaction(branch) as tx:
            return handlers.call_next(self.desk(tx), self.house, branch=branch, counter=counter)

    def call(self, counter: str = "1", **fields: object) -> calls.TicketView:
        request = calls.CallNumber.model_validate(fields)
        with self.storage.transaction(BRANCH) as tx:
            return handlers.call_number(self.desk(tx), self.house, branch=BRANCH, counter=counter, request=request)

    def do(self, step: str, ticket_id: str, **given: object) -> calls.TicketView:
        """Carry out a step of a ticket by the handler's name."""
        with self.storage.transaction(BRANCH) as tx:
            use_case = getattr(handlers, step)
            view = use_case(self.desk(tx), house=self.house, branch=BRANCH, ticket_id=ticket_id, **given)
        assert isinstance(view, calls.TicketView)
        return view

    def undo(self, ticket_id: str, reason: str | None = "pressed by mistake") -> calls.TicketView:
        return self.do("undo", ticket_id, remark=calls.Remark(reason=reason))

    def transfer(self, ticket_id: str, channel: str) -> calls.TicketView:
        return self.do("transfer", ticket_id, request=calls.TransferTicket.model_validate({"channel": channel}))

    def serve(self, ticket_id: str, seconds: float = 60) -> calls.TicketView:
        """Start a called ticket and complete it after so many seconds."""
        self.do("start", ticket_id)
        self.clock.advance(seconds)
        return self.do("complete", ticket_id)

    def device(self, device_id: str, kind: str, status: str) -> calls.DeviceView:
        report = calls.DeviceStatus.model_validate({"kind": kind, "status": status})
        with self.storage.transaction(BRANCH) as tx:
            return handlers.report_device(
                self.desk(tx),
                self.house,
                branch=BRANCH,
                device_id=device_id,
                kind=report.kind,
                status=report.status,
                detail=None,
            )

    def book(self, slot_at: datetime, business: str = "account_service", **fields: object) -> AppointmentView:
        wanted = {"slot_at": slot_at.isoformat(), "business": business, **fields}
        request = BookAppointments.model_validate({"appointments": [wanted]})
        with self.storage.transaction(BRANCH) as tx:
            (booked,) = handlers.book(self.desk(tx), self.house, branch=BRANCH, request=request).appointments
        return booked

    def cancel(self, appointment_id: str, reason: str | None = None) -> AppointmentView:
        with self.storage.transaction(BRANCH) as tx:
            given = {"appointment_id": appointment_id, "remark": calls.Remark(reason=reason)}
            return handlers.cancel(self.desk(tx), self.house, branch=BRANCH, **given)

    def divert(self, ticket_id: str, step: str, **given: object) -> calls.TicketView:
        request = DiversionStep.model_validate({"step": step, **given})
        return self.do("divert", ticket_id, request=request)

    def watch(self) -> None:
        """Look at the clock, as the service does each second."""
        assert isinstance(self.storage, Storage), "a desk in memory has no clock to look at"
        now = self.clock.now()
        with self.storage.read() as connection:
            alarms, lines = Due(connection).alarms_due(now, 200), Due(connection).lines_due(now, 200)
        with self.storage.transaction(BRANCH) as tx:
            desk = WatchDesk(tx, self.house.policy)
            handlers.raise_alarms(desk, self.house, branch=BRANCH, ticket_ids=alarms.get(BRANCH, ()))
            handlers.check_lines(desk, self.house, branch=BRANCH, lines=lines.get(BRANCH, ()))

    def due(self) -> int:
        """Return how much a look at the clock would take up now."""
        assert isinstance(self.storage, Storage)
        with self.storage.read() as connection:
            found = (
                Due(connection).alarms_due(self.clock.now(), 200),
                Due(connection).lines_due(self.clock.now(), 200),
            )
        return sum(len(names) for by_branch in found for names in by_branch.values())

    def care(self) -> CareView:
        with self.storage.read() as connection:
            return handlers.care_view(Due(connection), self.house, branch=BRANCH, now=self.clock.now())  # type: ignore[arg-type]

    def cared(self, ticket_id: str, action: str = "water", by: str = "li") -> calls.TicketView:
        return self.do("cared", ticket_id, request=Cared.model_validate({"action": action}), by=by)

    def queue(self, branch: str = BRANCH) -> calls.QueueView:
        with self.storage.read() as connection:
            return handlers.queue_view(self.records(connection), self.house, branch=branch, now=self.clock.now())

    def ticket(self, ticket_id: str) -> calls.TicketView:
        with self.storage.read() as connection:
            records, now = self.records(connection), self.clock.now()
            return handlers.one_ticket(records, self.house, branch=BRANCH, ticket_id=ticket_id, now=now)

    def lease(self, terminal: str = "k1", **given: object) -> calls.NumberBlock:
        """Lease numbers to a terminal."""
        request = calls.LeaseNumbers.model_validate(given)
        with self.storage.transaction(BRANCH) as tx:
            desk = self.desk(tx)
            return handlers.lease_numbers(desk, self.house, branch=BRANCH, terminal_id=terminal, request=request)

    def hear(
        self, data: EventData, *, time: datetime | None = None, subject: str | None = None, id_: str | None = None
    ) -> Event:
        """React to an event, as the consumer does."""
        now = self.clock.now()
        id_ = id_ or new_id()
        event = Event(
            id=id_, source="/test", type=type_of(type(data)), subject=subject or id_, time=time or now,
            branchid=BRANCH, correlationid=subject or id_, sequence=1, recordedtime=now, data=data,
        )  # fmt: skip
        with self.storage.transaction(BRANCH, cause=Cause(causationid=event.id)) as tx:
            handler_of(self._service).handle(tx, [event])
        return event

    def events(self, subject: str | None = None) -> list[Event]:
        """Return the log, oldest first; of one subject where it's named."""
        if isinstance(self.storage, MemoryStorage):
            found = self.storage.happened
        else:
            with self.storage.read() as connection:
                rows = after(connection, dict.fromkeys(range(64), 0), limit=100_000)
            found = [decode(row.body.encode()) for row in rows]
        return [event for event in found if subject is None or event.subject == subject]

    def names(self, subject: str | None = None) -> list[str]:
        """Return the log's types in short: ticket_called."""
        return [event.type.split(".")[2] for event in self.events(subject)]

    def desk(self, tx: object) -> handlers.Desk:
        if isinstance(self.storage, MemoryStorage):
            return self.storage.desk(self.house.policy)
        return Desk(tx, self.house.policy)  # type: ignore[arg-type]

    def records(self, connection: object) -> handlers.Records:
        if isinstance(self.storage, MemoryStorage):
            return self.storage.desk(self.house.policy)
        return Records(connection)  # type: ignore[arg-type]
