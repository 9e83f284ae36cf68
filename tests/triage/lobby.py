"""A branch's lobby as its people and machines use it: every call goes to the real service."""

import json
from datetime import datetime
from pathlib import Path

from services.triage.lobbies import Lobbies
from services.triage.model import LobbyState
from services.triage.policy_file import read_policy_set
from services.triage.service import TriageService
from shared.bus.event_handlers import handler_of
from shared.clock import ManualClock
from shared.contracts.envelope import Event, EventData
from shared.contracts.events import triage
from shared.contracts.http import triage as calls
from shared.contracts.http.appointments import BOOK, CANCEL, AppointmentView
from shared.contracts.http.attention import CARE, CARED, DIVERSION, CareView
from shared.contracts.http.fairness import FAIRNESS, FairnessView
from shared.contracts.registry import type_of
from shared.ids import new_id
from shared.settings import Settings
from shared.storage import Storage
from tests.support.in_process import InProcess
from tests.triage.in_memory import MemoryLobbies, start_in_memory

BRANCH = "demo"

IN_BRANCH = {
    "printed": calls.TICKET_PRINTED, "print_failed": calls.PRINT_FAILED, "reprint": calls.REPRINT,
    "divert": DIVERSION, "cared": CARED,
}  # fmt: skip
STEPS = {
    "recall": calls.RECALL, "start": calls.START, "complete": calls.COMPLETE, "no_show": calls.NO_SHOW,
    "return_after_no_show": calls.RETURN, "hold": calls.HOLD, "resume": calls.RESUME, "transfer": calls.TRANSFER,
    "left": calls.LEFT, "undo": calls.UNDO,
}  # fmt: skip


class Lobby:
    """Makes calls, hands over events, and lets the service look at the clock."""

    def __init__(self, storage: Storage | Settings, clock: ManualClock, **policy: object) -> None:
        """``policy`` is what the bank's policy file says; with settings alone, the lobby is in memory."""
        self.clock = clock
        self.policy = read_policy_set(json.dumps(policy), "policy.yaml").of(BRANCH).policy
        if isinstance(storage, Settings):
            self.triage = start_in_memory(BRANCH, self.policy, storage, clock)
            return
        self.storage = storage
        self.triage = start(storage, _written(storage, policy))

    def take(self, business: str = "account_service", branch: str = BRANCH, **fields: object) -> calls.TicketTaken:
        taken: calls.TicketTaken = self.triage.call(calls.TAKE_TICKET, {"business": business, **fields}, b=branch)
        return taken

    def wait(self, business: str = "account_service", **fields: object) -> calls.TicketTaken:
        """Take a ticket and print it."""
        taken = self.take(business, **fields)
        self.do("printed", taken.ticket_id)
        return taken

    def open(self, counter: str = "1", *channels: str, branch: str = BRANCH, **fields: object) -> calls.CounterView:
        body = {"channels": channels, **fields} if channels else fields
        opened: calls.CounterView = self.triage.call(calls.OPEN_COUNTER, body, b=branch, c=counter)
        return opened

    def open_for(self, counter: str, businesses: list[str], *channels: str) -> calls.CounterView:
        """Open a counter with skills."""
        return self.open(counter, *channels, businesses=businesses)

    def staff(self, counter: str, teller: str, *channels: str) -> calls.CounterView:
        """Open a counter with somebody at it."""
        return self.open(counter, *channels, teller_ref=teller)

    def close(self, counter: str = "1") -> calls.CounterView:
        closed: calls.CounterView = self.triage.call(calls.CLOSE_COUNTER, b=BRANCH, c=counter)
        return closed

    def next(self, counter: str = "1", *, branch: str = BRANCH) -> calls.TicketView | None:
        called: calls.TicketView | None = self.triage.call(calls.CALL_NEXT, b=branch, c=counter)
        return called

    def call(self, counter: str = "1", **fields: object) -> calls.TicketView:
        called: calls.TicketView = self.triage.call(calls.CALL_NUMBER, fields, b=BRANCH, c=counter)
        return called

    def do(self, step: str, ticket_id: str, /, *, by: str = "supervisor-1", **body: object) -> calls.TicketView:
        """Carry out a step of a ticket, by its name."""
        if step in STEPS:
            view = self.triage.call(STEPS[step], body, by=by, id=ticket_id)
        else:
            view = self.triage.call(IN_BRANCH[step], body, by=by, b=BRANCH, id=ticket_id)
        assert isinstance(view, calls.TicketView)
        return view

    def undo(self, ticket_id: str, reason: str | None = "pressed by mistake") -> calls.TicketView:
        return self.do("undo", ticket_id, reason=reason)

    def transfer(self, ticket_id: str, channel: str) -> calls.TicketView:
        return self.do("transfer", ticket_id, channel=channel)

    def serve(self, ticket_id: str, seconds: float = 60) -> calls.TicketView:
        """Start a called ticket and complete it after so many seconds."""
        self.do("start", ticket_id)
        self.clock.advance(seconds)
        return self.do("complete", ticket_id)

    def device(self, device_id: str, kind: str, status: str, branch: str = BRANCH) -> calls.DeviceView:
        report = {"kind": kind, "status": status}
        view: calls.DeviceView = self.triage.call(calls.DEVICE_STATUS, report, b=branch, d=device_id)
        return view

    def book(self, slot_at: datetime, business: str = "account_service", **fields: object) -> AppointmentView:
        wanted = {"slot_at": slot_at.isoformat(), "business": business, **fields}
        booked: tuple[AppointmentView] = self.triage.call(BOOK, {"appointments": [wanted]}, b=BRANCH).appointments
        return booked[0]

    def cancel(self, appointment_id: str, reason: str | None = None) -> AppointmentView:
        view: AppointmentView = self.triage.call(CANCEL, {"reason": reason}, b=BRANCH, id=appointment_id)
        return view

    def divert(self, ticket_id: str, step: str, **given: object) -> calls.TicketView:
        return self.do("divert", ticket_id, step=step, **given)

    def watch(self) -> None:
        """Look at the waits, as the service does each second."""
        self.triage.service.watch_waits()

    def keep_time(self) -> None:
        """Look for days that are over and papers that nobody reported, as the service does now and then."""
        self.triage.service.conclude_from_silence()

    def care(self) -> CareView:
        view: CareView = self.triage.call(CARE, b=BRANCH)
        return view

    def cared(self, ticket_id: str, action: str = "water", by: str = "li") -> calls.TicketView:
        return self.do("cared", ticket_id, by=by, action=action)

    def fairness(self, day: str) -> FairnessView:
        view: FairnessView = self.triage.call(FAIRNESS, query={"date": day}, b=BRANCH)
        return view

    def queue(self, branch: str = BRANCH) -> calls.QueueView:
        view: calls.QueueView = self.triage.call(calls.QUEUE, b=branch)
        return view

    def ticket(self, ticket_id: str) -> calls.TicketView:
        view: calls.TicketView = self.triage.call(calls.TICKET, id=ticket_id)
        return view

    def lease(self, terminal: str = "k1", **given: object) -> calls.NumberBlock:
        """Lease numbers to a terminal."""
        block: calls.NumberBlock = self.triage.call(calls.LEASE_NUMBERS, given, b=BRANCH, t=terminal)
        return block

    def receive(
        self, data: EventData, *, time: datetime | None = None, subject: str | None = None, id_: str | None = None
    ) -> Event:
        """Hand over an event, as the queue does."""
        now = self.clock.now()
        id_ = id_ or new_id()
        event = Event(
            id=id_, source="/test", type=type_of(type(data)), subject=subject or id_, time=time or now,
            branchid=BRANCH, correlationid=subject or id_, sequence=1, recordedtime=now, data=data,
        )  # fmt: skip
        lobbies = self.triage.service.lobbies
        if isinstance(lobbies, MemoryLobbies):
            lobbies.receive(event, handler_of(self.triage.service))
        else:
            self.triage.receive(event)
        return event

    def log(self) -> list[Event]:
        """Return what the service has told, oldest first."""
        if isinstance(lobbies := self.triage.service.lobbies, MemoryLobbies):
            return list(lobbies.branch.log)
        return self.triage.log()

    def events(self, subject: str | None = None) -> list[Event]:
        """Return what happened since the branch has its policy; of one subject where it's named."""
        if subject is not None:
            return [event for event in self.log() if event.subject == subject]
        return [event for event in self.log() if not isinstance(event.data, triage.PolicyChanged)]

    def state(self) -> LobbyState:
        """Return what the service knows of the branch."""
        state: LobbyState = self.triage.service.lobbies.look(BRANCH, lambda lobby: lobby.state)
        return state

    def names(self, subject: str | None = None) -> list[str]:
        """Return the types of :meth:`events` in short: ticket_called."""
        return [event.type.split(".")[2] for event in self.events(subject)]


def start(storage: Storage, policy: Path | None = None) -> InProcess:
    """Begin a process of the service, with the bank's policy file."""
    lobbies = Lobbies(storage, storage.settings.model_copy(update={"policy": policy}))
    return InProcess(TriageService, storage=storage, lobbies=lobbies)


def _written(storage: Storage, policy: dict[str, object]) -> Path | None:
    if not policy:
        return None
    file = storage.settings.data_dir / "policy.yaml"
    file.write_text(json.dumps(policy), "utf-8")
    return file
