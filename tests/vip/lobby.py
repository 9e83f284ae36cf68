"""A branch's VIP side as a test sees it: the real use cases on a real database."""

from collections.abc import Mapping
from datetime import date, datetime

from services.vip import handlers
from services.vip.service import VipService
from services.vip.store import Desk, Records
from shared.bus.event_handlers import handler_of
from shared.clock import ManualClock
from shared.contracts.envelope import Event
from shared.contracts.event_data import EventData, validated
from shared.contracts.events import triage
from shared.contracts.events.types import Customer
from shared.contracts.events.vip import Manager
from shared.contracts.http import vip as calls
from shared.contracts.registry import decode, type_of
from shared.ids import new_id
from shared.storage import Storage
from shared.storage.log import after

BRANCH = "demo"
TODAY = date(2026, 11, 24)


class Kept:
    """A vault that is a dictionary."""

    def __init__(self) -> None:
        self.people: dict[str, Mapping[str, str]] = {}

    def store(self, customer_ref: str, fields: Mapping[str, str]) -> None:
        self.people[customer_ref] = fields


class Lobby:
    """Does what the service does with a call, an event or a tick."""

    def __init__(self, storage: Storage, clock: ManualClock) -> None:
        self.storage = storage
        self.clock = clock
        self.vault = Kept()

    def roster(self, *managers: Manager) -> calls.RosterView:
        with self.storage.transaction(BRANCH) as tx:
            return handlers.set_roster(Desk(tx), branch=BRANCH, roster=calls.Roster(managers=managers))

    def arrive(self, tier: str = "gold", **fields: object) -> calls.HandoffView:
        arrival = calls.Arrival.model_validate({"tier": tier, **fields})
        zone = self.storage.settings.default_timezone
        with self.storage.transaction(BRANCH) as tx:
            return handlers.arrive(Desk(tx), self.vault, branch=BRANCH, zone=zone, arrival=arrival)

    def accept(self, handoff_id: str, manager_id: str, *roles: str) -> calls.HandoffView:
        body = calls.AcceptHandoff(manager_id=manager_id)
        with self.storage.transaction(BRANCH) as tx:
            return handlers.accept_handoff(Desk(tx), handoff_id=handoff_id, body=body, roles=frozenset(roles))

    def decline(self, handoff_id: str, manager_id: str) -> calls.HandoffView:
        body = calls.DeclineHandoff(manager_id=manager_id, reason="busy")
        with self.storage.transaction(BRANCH) as tx:
            return handlers.decline_handoff(Desk(tx), handoff_id=handoff_id, body=body)

    def complete(self, handoff_id: str) -> calls.HandoffView:
        with self.storage.transaction(BRANCH) as tx:
            return handlers.complete_handoff(Desk(tx), handoff_id=handoff_id)

    def tick(self) -> None:
        with self.storage.read() as connection:
            branches = Records(connection).overdue(self.clock.now())
        for branch in branches:
            with self.storage.transaction(branch) as tx:
                handlers.settle(Desk(tx), branch)

    def hear(self, data: EventData, subject: str, sequence: int = 1) -> None:
        event = Event(
            id=new_id(), source="/services/triage", type=type_of(type(data)), subject=subject, time=self.clock.now(),
            branchid=BRANCH, correlationid=subject, sequence=sequence, recordedtime=self.clock.now(), data=data,
        )  # fmt: skip
        with self.storage.transaction(BRANCH) as tx:
            handler_of(VipService()).handle(tx, [event])

    def view(self) -> calls.VipView:
        with self.storage.read() as connection:
            return handlers.vip_view(Records(connection), BRANCH, now=self.clock.now())

    def state(self, handoff_id: str) -> str:
        with self.storage.read() as connection:
            handoff = Records(connection).handoff(handoff_id)
        assert handoff is not None
        return handoff.state

    def events(self, subject: str | None = None) -> list[Event]:
        with self.storage.read() as connection:
            rows = after(connection, dict.fromkeys(range(64), 0), limit=10_000)
        events = [decode(row.body.encode()) for row in rows]
        return [event for event in events if subject in (None, event.subject)]

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
    waits = {"position": 1, "wait_p50_s": 60, "wait_p90_s": 120}
    given = {**TICKET, "priority": 2, "customer": customer, "requested_at": at, **waits, **fields}
    return validated(triage.TicketIssued, given)


def printed(**fields: object) -> triage.TicketPrinted:
    return validated(triage.TicketPrinted, {**TICKET, **fields})


def called(counter: str, **fields: object) -> triage.TicketCalled:
    return validated(
        triage.TicketCalled,
        {**TICKET, "counter": counter, "waited_s": 1, "quoted_p50_s": 1, "quoted_p90_s": 2, **fields},
    )


def left(**fields: object) -> triage.TicketLeft:
    return validated(triage.TicketLeft, {**TICKET, "stage": "waiting", "waited_s": 5, **fields})


def visit_ended(outcome: str, **fields: object) -> triage.VisitEnded:
    of = {"visit_id": "v1", "channel": "vip", "business_date": TODAY, "waited_s": 1, "service_s": 1}
    return validated(triage.VisitEnded, {**of, "outcome": outcome, **fields})
