"""Calling: the next ticket or a specific one, to an open counter that is free (T7, T12)."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from services.triage.errors import CounterBusy, CounterClosed, TicketNotFound
from services.triage.handlers.unit_of_work import UnitOfWork
from services.triage.handlers.views import ticket_view
from services.triage.handlers.visits import decided, load
from services.triage.model import Counter, Ticket, allowed_in, commands
from services.triage.policy import (
    Choice,
    Lane,
    Way,
    choose,
    credit_after,
    first_credit,
    is_contested,
    overtaken_lanes,
    vip_may,
    why_ahead,
)
from shared.contracts.events.triage import Overtaken, OvertakenLane
from shared.contracts.http.triage import CallNumber, TicketView
from shared.errors import InvalidInput

NAMED_LIMIT = 50
"""How many of those whom a call overtakes its event names."""


def call_next(uow: UnitOfWork, *, counter: str) -> TicketView | None:
    """Call who is next in the counter's channels; None when nobody waits for them.

    Raises :class:`CounterClosed` and :class:`CounterBusy`.
    """
    window = require_free(uow, counter)
    lanes = uow.state.queue.lanes(window)
    choice, credit = _chosen(uow, counter, lanes)
    if choice is None:
        return None
    way: Way = "share" if choice.turn == "share" else "next"
    return _call(uow, window, lanes, choice.position.ticket_id, way, credit)


def call_number(uow: UnitOfWork, *, counter: str, request: CallNumber) -> TicketView:
    """Call a specific ticket, of whatever channel: whoever it overtakes is told that a person chose so (T12).

    Raises :class:`CounterClosed`, :class:`CounterBusy` and :class:`TicketNotFound`.
    """
    if request.number is None and request.ticket_id is None:
        problem = {"field": "number", "message": "needed where no ticket_id is given"}
        raise InvalidInput("name the ticket by its number or its ticket_id", errors=[problem])
    window = require_free(uow, counter)
    if "\0" in f"{request.number}{request.ticket_id}":  # PostgreSQL has no such text
        raise TicketNotFound("no ticket's number or id has a NUL in it")
    ticket_id = request.ticket_id or uow.numbered(request.number or "")
    if ticket_id is None:
        raise TicketNotFound(f"no ticket has the number {request.number!r}")
    return _call(uow, window, uow.state.queue.lanes(window), ticket_id, "number")


def require_free(uow: UnitOfWork, counter: str) -> Counter:
    """Return the counter, if it is open and has no ticket; raise CounterClosed or CounterBusy."""
    window = uow.state.counter(counter)
    require_untaken(uow, counter)
    if not window.is_open:
        raise CounterClosed(f"counter {counter} is closed", state="closed", allowed=["open"])
    return window


def require_back(uow: UnitOfWork, counter: str) -> None:
    """Allow a ticket to return to where it was: as :func:`require_free`, but a manager's desk never opens."""
    if uow.state.counter(counter).version:
        require_free(uow, counter)
    else:
        require_untaken(uow, counter)


def require_untaken(uow: UnitOfWork, counter: str) -> None:
    """Raise :class:`CounterBusy` while a ticket is called to the counter or served there."""
    taken = uow.state.at_counter(counter)
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


def overtaking(
    uow: UnitOfWork, window: Counter, lanes: Sequence[Lane], ticket: Ticket, way: Way, vip_credit: float | None = None
) -> commands.Overtaking:
    """Return in which lanes a call of the ticket overtakes somebody, and whom, why, and how often (T12).

    Who is called in turn pushes nobody beyond the cap. A person who chooses a number (or a manager who
    takes a customer) can, and it is said that it was forced.
    """
    queue, lined = uow.state.queue, ticket.lined_at.timestamp()
    passed = overtaken_lanes(lanes, lined)
    past = commands.Overtaking(
        way=way,
        vip_credit=vip_credit,
        for_skill=bool(window.businesses) and queue.passes_for_skill(window, lined),
        times_before=queue.times(ticket.ticket_id),
    )
    if not passed:
        return past
    first = islice(queue.standing_before(window, lined), NAMED_LIMIT + 1)
    whom = [
        Overtaken(ticket_id=one.ticket_id, number=one.number, times=queue.times(one.ticket_id) + 1) for one in first
    ]
    return replace(
        past,
        lanes=tuple(OvertakenLane(line=lane.line, business=lane.business) for lane in passed),
        whom=tuple(whom[:NAMED_LIMIT]),
        more=len(whom) > NAMED_LIMIT,
        why=why_ahead(uow.policy, ticket, way),
        forced=any(one.times > uow.policy.max_overtakes for one in whom),
    )


def _chosen(uow: UnitOfWork, counter: str, lanes: Sequence[Lane]) -> tuple[Choice | None, float | None]:
    """Choose who is next, within the VIPs' share where others wait too; return what is left of that share then."""
    policy = uow.policy
    if not is_contested(lanes):
        return choose(policy, lanes), None
    credit = uow.state.vip_credits.get(counter, first_credit(policy))
    choice = choose(policy, lanes, vip_may=vip_may(policy, credit))
    return choice, None if choice is None else credit_after(policy, credit, choice.position)


def _call(
    uow: UnitOfWork,
    window: Counter,
    lanes: Sequence[Lane],
    ticket_id: str,
    way: Way,
    vip_credit: float | None = None,
) -> TicketView:
    visit = load(uow, ticket_id)
    past = overtaking(uow, window, lanes, visit.ticket(ticket_id), way, vip_credit)
    command = commands.Call(ticket_id=ticket_id, at=uow.now, counter=window.counter, overtaking=past)
    visit = uow.record_visit(visit, decided(visit, command))
    return ticket_view(visit, visit.ticket(ticket_id), uow.now)
