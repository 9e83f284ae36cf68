"""What serves: counters open and close, devices go down and come back; routing follows at once (T10)."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from services.triage.errors import CounterClosed, NotAtCounter, PersonAway
from services.triage.handlers.calling import require_untaken
from services.triage.handlers.diversion import fall_back
from services.triage.handlers.issue import business_of
from services.triage.handlers.unit_of_work import UnitOfWork
from services.triage.handlers.views import counter_view, device_view
from services.triage.handlers.visits import decided, load
from services.triage.model import Counter, Device, Ticket, Visit, commands
from shared.contracts.base import Name
from shared.contracts.events.terminal import DeviceKind, DeviceReported
from shared.contracts.http.permissions import IN_CHARGE
from shared.contracts.http.triage import CounterView, DeviceView, OpenCounter, TransferTicket
from shared.errors import InvalidInput

_NAME: TypeAdapter[str] = TypeAdapter(Name)


def require_name(parameter: str, value: str) -> None:
    """Raise InvalidInput where a part of the address can't be a name that events carry."""
    try:
        _NAME.validate_python(value)
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"]
        raise InvalidInput(f"{parameter}: {message}", errors=[{"field": parameter, "message": message}]) from error


def require_target(uow: UnitOfWork, request: TransferTicket) -> None:
    """Raise where a transfer names nothing, too much, or somebody who isn't there."""
    if request.channel is None and request.counter is None and request.person is None:
        problem = {"field": "channel", "message": "needed where neither counter nor person is given"}
        raise InvalidInput("name the channel, the counter or the person", errors=[problem])
    if request.counter is not None and request.person is not None:
        problem = {"field": "person", "message": "not together with counter"}
        raise InvalidInput("a ticket waits for a counter or for a person, not for both", errors=[problem])
    if request.counter is not None and not uow.state.counter(request.counter).is_open:
        raise CounterClosed(f"counter {request.counter} is closed", state="closed", allowed=["open"])
    present = present_persons(uow.state.counters)
    if request.person is not None and request.person not in present:
        raise PersonAway(f"{request.person} is at no open counter now", field="person", present=sorted(present))


def present_persons(windows: Collection[Counter]) -> set[str]:
    """Return who works at an open counter."""
    return {window.teller_ref for window in windows if window.is_open and window.teller_ref is not None}


def free_all(uow: UnitOfWork, window: Counter) -> None:
    """Let those go to their channel's line who wait for a counter, or its person, that calls nobody any more."""
    gone = [line for line in window.lines if line not in window.channels]
    for ticket_id in uow.state.waiting_in(gone):
        visit = uow.visit_of(ticket_id)
        if visit is not None:
            free_where_nobody_calls(uow, visit, visit.ticket(ticket_id))


def free_where_nobody_calls(uow: UnitOfWork, visit: Visit, ticket: Ticket) -> Visit:
    """Return the visit with this ticket in its channel's line, if nobody is left whom it could wait for."""
    if ticket.state != "waiting" or not _is_stuck(uow, ticket):
        return visit
    command = commands.Transfer(ticket_id=ticket.ticket_id, at=uow.now, channel=ticket.channel)
    return uow.record_visit(visit, decided(visit, command))


def _is_stuck(uow: UnitOfWork, ticket: Ticket) -> bool:
    if ticket.for_counter is not None:
        return not uow.state.counter(ticket.for_counter).is_open
    return ticket.for_person is not None and ticket.for_person not in present_persons(uow.state.counters)


def require_own(uow: UnitOfWork, counter: str, person: str, roles: frozenset[str]) -> None:
    """Raise NotAtCounter where an open counter is somebody else's; a lobby manager or supervisor may step in (T7)."""
    window = uow.state.counter(counter)
    if window.is_open and not window.is_of(person) and not roles & IN_CHARGE:
        raise NotAtCounter(f"counter {counter} was opened by {window.opened_by!r}, not by {person!r}")


def require_own_ticket(uow: UnitOfWork, ticket_id: str, person: str, roles: frozenset[str]) -> None:
    """As :func:`require_own`, of the counter that a ticket is at; TicketNotFound where there is no such ticket."""
    ticket = load(uow, ticket_id).ticket(ticket_id)
    if ticket.counter is not None and not ticket.ended:
        require_own(uow, ticket.counter, person, roles)


def open_counter(uow: UnitOfWork, *, counter: str, request: OpenCounter, by: str | None = None) -> CounterView:
    """Open a counter, or change what an open one serves; once more changes nothing."""
    require_name("c", counter)
    for n, code in enumerate(request.businesses):
        business_of(uow.policy, code, f"businesses.{n}")
    before = uow.state.counter(counter)
    window = uow.record_counter(before, before.open(request.channels, request.teller_ref, request.businesses, by))
    if before.teller_ref != window.teller_ref:
        free_all(uow, before)
    return counter_view(window, uow.state.at_counter(counter), uow.now)


def close_counter(uow: UnitOfWork, *, counter: str) -> CounterView:
    """Close a counter; raise CounterBusy while it has a customer. Who waits for it alone waits for its channel."""
    before = uow.state.counter(counter)
    require_untaken(uow, counter)
    window = uow.record_counter(before, before.close())
    free_all(uow, before)
    return counter_view(window, None, uow.now)


def report_device(
    uow: UnitOfWork,
    *,
    device_id: str,
    kind: DeviceKind,
    status: Literal["up", "down"],
    detail: str | None,
    at: datetime | None = None,
) -> DeviceView:
    """Take a device's report of ``at``, by default now; one that is older than the newest known changes nothing.

    Only a change is an event. Who has no other device left goes to the counter.
    """
    require_name("d", device_id)
    before = uow.state.device_states.get(device_id) or Device(device_id=device_id, kind=kind)
    at = min(at or uow.now, uow.now)
    if before.knows_newer(at):
        return device_view(before)
    changed = before.report(kind, status, detail, at)
    if not changed and before.reported_at != at:
        uow.append_unpublished(DeviceReported(device_id=device_id, kind=kind, status=status, detail=detail), at)
    after = uow.record_device(before, changed)
    if after.status == "down" and before.status != "down":
        fall_back(uow)
    return device_view(after)
