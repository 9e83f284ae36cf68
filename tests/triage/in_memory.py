"""Triage without a database, for random days: the service's own class, on the unit of work that experiments use."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import TypeVar, cast

from services.triage.errors import TicketNotFound
from services.triage.handlers import LobbyReader, Silence, UnitOfWork, conclude_from_silence, watch_waits
from services.triage.lobbies import Lobbies
from services.triage.model import Visit, apply
from services.triage.policy import Policy
from services.triage.service import TriageService
from services.triage.store.memory import MemoryUnitOfWork
from shared.bus.inbox import EventHandler
from shared.clock import ManualClock
from shared.contracts.base import View
from shared.contracts.envelope import Event, EventData
from shared.contracts.events.triage import VisitEvent
from shared.contracts.registry import type_of
from shared.ids import new_id
from shared.settings import Settings
from shared.storage import Transaction
from shared.web.branches import Answer, Shown
from shared.web.request_context import Call
from tests.support.in_process import InProcess

Result = TypeVar("Result")


class Branch(MemoryUnitOfWork):
    """A branch in memory that keeps its log, so that visits that have ended can be looked up."""

    def __init__(self, branch: str, policy: Policy, settings: Settings, clock: ManualClock) -> None:
        super().__init__(branch, policy, settings.default_timezone, clock, listener=self._write_down)
        self.log: list[Event] = []
        self.cause: str | None = None
        self.visit_ids: dict[str, str] = {}

    def ended_visit(self, *, ticket_id: str | None = None, visit_id: str | None = None) -> Visit | None:
        visit_id = visit_id or self.visit_ids.get(ticket_id or "")
        visit = None
        for event in self.log:
            if event.subject == visit_id and isinstance(event.data, VisitEvent):
                day = event.data.business_date
                visit = visit or Visit(visit_id=event.subject, branch=self.branch, business_date=day)
                visit = apply(visit, event.data, event.time)
        return visit

    def attempt(self, use_case: Callable[[], Result]) -> Result:
        """Carry out a use case, or none of it."""
        state, length = self.state, len(self.log)
        try:
            return use_case()
        except BaseException:
            self.state = state
            del self.log[length:]
            raise

    def _write_down(self, subject: str, sequence: int, data: EventData, at: datetime) -> None:
        if (ticket_id := getattr(data, "ticket_id", None)) is not None and isinstance(data, VisitEvent):
            self.visit_ids[ticket_id] = subject
        self.log.append(
            Event(
                id=new_id(), source="/services/triage", type=type_of(type(data)), subject=subject, time=at,
                branchid=self.branch, correlationid=subject, causationid=self.cause, sequence=sequence,
                recordedtime=self.now, data=data,
            )
        )  # fmt: skip


@dataclass
class MemoryLobbies(Lobbies):
    """One branch; what its storage does for the real ones, this does by itself."""

    branch: Branch
    settings: Settings
    policies: SimpleNamespace = field(default_factory=SimpleNamespace)

    def carry_out(
        self, call: Call, use_case: Callable[[UnitOfWork], View | None], *, branch: str | None = None
    ) -> Answer:
        return self.branch.attempt(lambda: use_case(self.branch))

    def look(self, branch: str, view: Callable[[LobbyReader], Shown]) -> Shown:
        return view(self.branch)

    def branch_of(self, ticket_id: str) -> str:
        if ticket_id not in self.branch.visit_ids:
            raise TicketNotFound(f"no ticket has the id {ticket_id!r}")
        return self.branch.branch

    def unit_of_work(self, tx: Transaction, branch: str) -> UnitOfWork:
        return self.branch

    def receive(self, event: Event, handler: EventHandler) -> None:
        """Let the service's handler have an event."""
        self.branch.cause = event.id
        tx = cast("Transaction", SimpleNamespace())  # there is none: the branch itself notes the cause
        self.branch.attempt(lambda: handler.handle(tx, [event]))
        self.branch.cause = None

    def watch_waits(self) -> None:
        self.branch.attempt(lambda: watch_waits(self.branch))

    def conclude_from_silence(self) -> None:
        silence = Silence(wall_s=self.settings.silence_s)
        self.branch.attempt(lambda: conclude_from_silence(self.branch, silence))


def start_in_memory(branch: str, policy: Policy, settings: Settings, clock: ManualClock) -> InProcess:
    """Begin a process of the service that keeps nothing."""
    lobbies = MemoryLobbies(Branch(branch, policy, settings, clock), settings)
    return InProcess(TriageService, storage=None, lobbies=lobbies)
