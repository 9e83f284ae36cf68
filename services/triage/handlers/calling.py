"""Calling: the next ticket or a specific one, to an open counter that is free (T7, T12)."""

from collections.abc import Sequence

from services.triage.errors import CounterBusy, CounterClosed, TicketNotFound
from services.triage.handlers.house import House
from services.triage.handlers.learning import learn
from services.triage.handlers.loading import decided, load
from services.triage.handlers.ports import Desk
from services.triage.handlers.views import ticket_view
from services.triage.model import Counter, Ticket, Visit, allowed_in, commands
from services.triage.policy import (
    Choice,
    Lane,
    Policy,
    Way,
    choose,
    credit_after,
    first_credit,
    is_contested,
    overtaken_lanes,
    vip_may,
    why_ahead,
)
from shared.contracts.http.triage import CallNumber, TicketView
from shared.errors import InvalidInput

MOST_NAMED = 50
"""How many of those whom a call overtakes its event names."""


def call_next(desk: Desk, house: House, *, branch: str, counter: str) -> TicketView | None:
    """Call who is next in the counter's channels; None when nobody waits for them.

    Raises :class:`CounterClosed` and :class:`CounterBusy`.
    """
    window = require_free(desk, branch, counter)
    lanes = desk.lanes(branch, window)
    choice = _chosen(desk, house.policy, branch, counter, lanes)
    if choice is None:
        return None
    way: Way = "share" if choice.turn == "share" else "next"
    return _call(desk, house, branch, window, lanes, choice.place.ticket_id, way, choice.place.times)


def call_number(desk: Desk, house: House, *, branch: str, counter: str, request: CallNumber) -> TicketView:
    """Call a specific ticket, of whatever channel: whoever it overtakes is told that a person chose so (T12).

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
    lanes, before = desk.lanes(branch, window), desk.times_overtaken(ticket_id)
    return _call(desk, house, branch, window, lanes, ticket_id, "number", before)


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


def called(
    desk: Desk, visit: Visit, command: commands.Call | commands.HandOff, window: Counter, lanes: Sequence[Lane] = ()
) -> Visit:
    """Call and return the visit after it; enter whom it overtakes in the ledger, learn what was waited (T9, T12).

    ``lanes`` are those in which somebody is overtaken.
    """
    happened = decided(visit, command)
    if lanes or command.overtaking.for_skill:
        desk.record_overtaking(visit, visit.ticket(command.ticket_id), window, lanes, command.overtaking)
    learn(desk, visit.branch, happened)
    return desk.record_visit(visit, happened)


def overtaking(
    desk: Desk, house: House, branch: str, window: Counter, lanes: Sequence[Lane], ticket: Ticket, way: Way, before: int
) -> tuple[list[Lane], commands.Overtaking]:
    """Return in which lanes a call of the ticket overtakes somebody, and whom, why, and how often (T12).

    Who is called in turn pushes nobody beyond the cap. A person who chooses a number (or a manager who
    takes a customer) can, and it is said that it was forced. ``before`` is how often the ticket was overtaken.
    """
    passed = overtaken_lanes(lanes, ticket.lined_at.timestamp())
    for_skill = bool(window.businesses) and desk.passed_for_skill(branch, window, ticket)
    if not passed:
        return [], commands.Overtaking(for_skill=for_skill, times_before=before)
    whom = desk.overtaken(branch, window, ticket)
    return passed, commands.Overtaking(
        whom=tuple(whom[:MOST_NAMED]),
        more=len(whom) > MOST_NAMED,
        why=why_ahead(house.policy, ticket, way),
        forced=any(one.times > house.policy.max_overtakes for one in whom),
        for_skill=for_skill,
        times_before=before,
    )


def _chosen(desk: Desk, policy: Policy, branch: str, counter: str, lanes: Sequence[Lane]) -> Choice | None:
    """Choose who is next; where VIPs and others wait for the counter, within the VIPs' share."""
    if not is_contested(lanes):
        return choose(policy, lanes)
    kept = desk.vip_credit(branch, counter)
    credit = first_credit(policy) if kept is None else kept
    choice = choose(policy, lanes, vip_may=vip_may(policy, credit))
    if choice is not None:
        desk.keep_vip_credit(branch, counter, credit_after(policy, credit, choice.place))
    return choice


def _call(
    desk: Desk, house: House, branch: str, window: Counter, lanes: Sequence[Lane], ticket_id: str, way: Way, before: int
) -> TicketView:
    visit = load(desk, branch, ticket_id)
    passed, past = overtaking(desk, house, branch, window, lanes, visit.ticket(ticket_id), way, before)
    command = commands.Call(ticket_id=ticket_id, at=desk.now, counter=window.counter, overtaking=past)
    visit = called(desk, visit, command, window, passed)
    return ticket_view(visit, visit.ticket(ticket_id), desk.now)
