"""A branch's VIP side as its people use it: every call goes to the real service."""

from collections.abc import Mapping
from datetime import date, datetime

from services.vip.lobbies import Lobbies
from services.vip.service import VipService
from shared.clock import ManualClock
from shared.contracts.envelope import Event, EventData, validated
from shared.contracts.events import triage
from shared.contracts.events.types import Customer
from shared.contracts.events.vip import Manager
from shared.contracts.http import vip as calls
from shared.contracts.registry import type_of
from shared.ids import PARTITIONS, new_id
from shared.storage import Storage
from shared.storage.log import after
from tests.support.in_process import InProcess

BRANCH = "demo"
TODAY = date(2026, 11, 24)


class Kept:
    """A vault that is a dictionary."""

    def __init__(self) -> None:
        self.people: dict[str, Mapping[str, str]] = {}

    def store(self, customer_ref: str, fields: Mapping[str, str]) -> None:
        self.people[customer_ref] = fields


class Lobby:
    """Makes calls, hands over events, and lets the service look at the clock."""

    def __init__(self, storage: Storage, clock: ManualClock) -> None:
        self.clock = clock
        self.vault = Kept()
        self.vip = InProcess(VipService, storage=storage, lobbies=Lobbies(storage), vault=self.vault)

    def roster(self, *managers: Manager) -> calls.RosterView:
        view: calls.RosterView = self.vip.call(calls.SET_ROSTER, {"managers": managers}, b=BRANCH)
        return view

    def arrive(self, tier: str = "gold", **fields: object) -> calls.HandoffView:
        view: calls.HandoffView = self.vip.call(calls.ARRIVE, {"tier": tier, **fields}, b=BRANCH)
        return view

    def accept(self, handoff_id: str, manager_id: str, *roles: str) -> calls.HandoffView:
        given = roles or ("customer_manager",)
        view: calls.HandoffView = self.vip.call(
            calls.ACCEPT, {"manager_id": manager_id}, roles=given, by=manager_id, id=handoff_id
        )
        return view

    def decline(self, handoff_id: str, manager_id: str) -> calls.HandoffView:
        body = {"manager_id": manager_id, "reason": "busy"}
        view: calls.HandoffView = self.vip.call(calls.DECLINE, body, id=handoff_id)
        return view

    def complete(self, handoff_id: str) -> calls.HandoffView:
        view: calls.HandoffView = self.vip.call(calls.COMPLETE, id=handoff_id)
        return view

    def tick(self) -> None:
        """Look at the clock, as the service does each second."""
        self.vip.service.watch_offers()

    def receive(self, data: EventData, subject: str, sequence: int = 1) -> None:
        """Hand over an event of triage, as the queue does."""
        event = Event(
            id=new_id(), source="/services/triage", type=type_of(type(data)), subject=subject, time=self.clock.now(),
            branchid=BRANCH, correlationid=subject, sequence=sequence, recordedtime=self.clock.now(), data=data,
        )  # fmt: skip
        self.vip.receive(event)

    def view(self) -> calls.VipView:
        view: calls.VipView = self.vip.call(calls.VIP, b=BRANCH)
        return view

    def state(self, handoff_id: str) -> str:
        """Return the state of a hand-off: as it is shown, or how it ended."""
        shown = {handoff.handoff_id: handoff.state for handoff in self.view().handoffs}
        return shown.get(handoff_id) or self.types(handoff_id)[-1].removeprefix("handoff_")

    def events(self, subject: str | None = None) -> list[Event]:
        return self.vip.log(subject)

    def heard(self) -> list[str]:
        """Return the types of what vip keeps of triage's events."""
        with self.vip.storage.read() as connection:
            rows = after(connection, dict.fromkeys(range(PARTITIONS), 0), limit=1000)
        return [row.type.split(".")[2] for row in rows if not row.own]

    def types(self, subject: str) -> list[str]:
        return [event.type.split(".")[2] for event in self.events(subject)]


def manager(manager_id: str, kind: str = "retail", **fields: object) -> Manager:
    return validated(Manager, {"manager_id": manager_id, "kind": kind, **fields})


TICKET = {
    "visit_id": "v1", "ticket_id": "t1", "number": "V001", "channel": "vip", "business": "wealth_purchase",
    "business_date": TODAY,
}  # fmt: skip


def issued(at: datetime, **fields: object) -> triage.TicketIssued:
    customer = Customer(card_tier="platinum", customer_ref="c1")
    waits = {"position": 1, "wait_p50_s": 60, "wait_p90_s": 120, "promised": True, "estimated_from": ()}
    given = {**TICKET, "priority": 2, "customer": customer, "requested_at": at, **waits, **fields}
    return validated(triage.TicketIssued, given)


def printed(**fields: object) -> triage.TicketPrinted:
    return validated(triage.TicketPrinted, {**TICKET, **fields})


def called(counter: str, **fields: object) -> triage.TicketCalled:
    quoted = {"quoted_p50_s": 1, "quoted_p90_s": 2, "way": "next", "overtaken_lanes": ()}
    return validated(triage.TicketCalled, {**TICKET, "counter": counter, "waited_s": 1, **quoted, **fields})


def left(**fields: object) -> triage.TicketLeft:
    return validated(triage.TicketLeft, {**TICKET, "stage": "waiting", "waited_s": 5, **fields})


def visit_ended(outcome: str, **fields: object) -> triage.VisitEnded:
    of = {"visit_id": "v1", "channel": "vip", "business_date": TODAY, "waited_s": 1, "service_s": 1}
    return validated(triage.VisitEnded, {**of, "outcome": outcome, **fields})
