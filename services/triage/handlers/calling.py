"""Calling: the next ticket or a specific one, to an open counter that is free (T7, T12)."""

from services.triage.errors import CounterBusy, CounterClosed, TicketNotFound
from services.triage.handlers.house import House
from services.triage.handlers.loading import decided, load
from services.triage.handlers.ports import Desk
from services.triage.handlers.views import ticket_view
from services.triage.model import Counter, Visit, allowed_in, commands
from services.triage.model.events import TicketCalled
from services.triage.policy import History
from shared.contracts.http.triage import CallNumber, TicketView
from shared.errors import InvalidInput


def call_next(desk: Desk, house: House, *, branch: str, counter: str) -> TicketView | None:
    """Call who is next in the counter's channels; None when nobody waits for them.

    Raises :class:`CounterClosed` and :class:`CounterBusy`.
    """
    window = require_free(desk, branch, counter)
    ticket_id = desk.next_waiting(branch, window.lines)
    return None if ticket_id is None else _call(desk, branch, window, ticket_id)


def call_number(desk: Desk, house: House, *, branch: str, counter: str, request: CallNumber) -> TicketView:
    """Call a specific ticket, of whatever channel.

    Raises :class:`CounterClosed`, :class:`CounterBusy` and :class:`TicketNotFound`.
    """
    if request.number is None and request.ticket_id is None:
        problem = {"field": "number", "message": "needed where no ticket_id is given"}
        raise InvalidInput("name the ticket by its number or its ticket_id", errors=[problem])
    window = require_free(desk, branch, counter)
    if "\0" in f"{request.number}{request.ticket_id}":  # PostgreSQL has no such text
        raise TicketNotFound("no ticket's number or id has a NUL in it")
    ticket_id = request.ticket_id or desk.ticket_with_number(branch, request.number or "")
    if ticket_id is None:
        raise TicketNotFound(f"no ticket has the number {request.number!r}")
    return _call(desk, branch, window, ticket_id)


def require_free(desk: Desk, branch: str, counter: str) -> Counter:
    """Return the counter, if it is open and has no ticket; raise CounterClosed or CounterBusy."""
    window = desk.counter(branch, counter)
    require_untaken(desk, branch, counter)
    if not window.is_open:
        raise CounterClosed(f"counter {counter} is closed", state="closed", allowed=["open"])
    return window


def require_back(desk: Desk, branch: str, counter: str) -> None:
    """Allow a ticket to return to where it was: as :func:`require_free`, but a manager's desk never opens."""
    if desk.counter(branch, counter).version:
        require_free(desk, branch, counter)
    else:
        require_untaken(desk, branch, counter)


def require_untaken(desk: Desk, branch: str, counter: str) -> None:
    """Raise :class:`CounterBusy` while a ticket is called to the counter or served there."""
    taken = desk.at_counter(branch, counter)
    if taken is None:
        return
    _, ticket = taken
    raise CounterBusy(
        f"counter {counter} has ticket {ticket.number}, which is {ticket.state}",
        ticket_id=ticket.ticket_id,
        number=ticket.number,
        state=ticket.state,
        allowed=list(allowed_in(taken[0], ticket)),
    )


def called(desk: Desk, visit: Visit, command: commands.Call | commands.HandOff, window: Counter) -> Visit:
    """Call and return the visit after it; count whom it overtakes, learn what was waited (T9, T12)."""
    happened = decided(visit, command)
    ticket = visit.ticket(command.ticket_id)
    after = desk.record_visit(visit, happened)
    if command.overtakes:
        desk.count_overtaking(visit.branch, window.lines, ticket)
    for event in happened:
        if isinstance(event, TicketCalled):
            history = desk.histories(visit.branch).get(event.channel, History()).after_call(event.waited_s)
            desk.remember(visit.branch, event.channel, history)
    return after


def _call(desk: Desk, branch: str, window: Counter, ticket_id: str) -> TicketView:
    visit = load(desk, branch, ticket_id)
    overtakes = tuple(desk.overtaken(branch, window.lines, visit.ticket(ticket_id)))
    command = commands.Call(ticket_id=ticket_id, at=desk.now, counter=window.counter, overtakes=overtakes)
    visit = called(desk, visit, command, window)
    return ticket_view(visit, visit.ticket(ticket_id), desk.now)
