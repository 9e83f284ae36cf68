"""What people ask of vip, and what its timer does (V1-V3, V8)."""

from collections.abc import Sequence
from datetime import tzinfo

from services.vip import model, policy
from services.vip.errors import HandoffNotFound, HandoffState, ManagerListedTwice, NotOnRoster
from services.vip.handlers.ports import Desk, Vault
from services.vip.handlers.views import handoff_view, roster_view
from shared.contracts.events.vip import CustomerArrived
from shared.contracts.http.vip import (
    AcceptHandoff,
    Arrival,
    DeclineHandoff,
    HandoffView,
    Roster,
    RosterView,
)


def arrive(desk: Desk, vault: Vault, *, branch: str, zone: tzinfo, arrival: Arrival) -> HandoffView:
    """Recognise a VIP customer and offer them to the fitting manager (V1-V3).

    A visit has one hand-off at a time: told again of the same visit, the answer is the one that
    there is. Personal data goes to the vault; the events carry an opaque reference only.
    """
    known = desk.active_of_visit(arrival.visit_id) if arrival.visit_id else None
    if known is not None:
        return handoff_view(known)
    customer_ref = arrival.customer_ref or desk.new_id()
    happened = CustomerArrived(
        handoff_id=desk.new_id(),
        visit_id=arrival.visit_id or desk.new_id(),
        business_date=desk.now.astimezone(zone).date(),
        tier=arrival.tier,
        recognised_by=arrival.recognised_by,
        customer_ref=customer_ref,
        business=arrival.business,
        own_manager_id=arrival.manager_id,
    )
    handoff = desk.begin(branch, happened, at=desk.now)
    dispatch(desk, branch)
    who = arrival.customer.model_dump(exclude_none=True) if arrival.customer else {}
    if who:  # last, since it's kept in another database: nothing that fails above leaves anybody's name there
        vault.store(customer_ref, who)
    return _view_of(desk, handoff.handoff_id)


def accept_handoff(desk: Desk, *, handoff_id: str, body: AcceptHandoff, roles: frozenset[str]) -> HandoffView:
    """Take the customer (V3). Raises HandoffNotFound, HandoffState, NotOnRoster."""
    handoff = _load(desk, handoff_id)
    ticket = desk.ticket_of(handoff_id)
    try:
        events = model.accept(handoff, body.manager_id, ticket_id=ticket.ticket_id if ticket else None)
    except model.NotAllowed as error:
        raise _state_error(error) from error
    if handoff.state in ("waiting", "escalated"):
        _check_may_take(desk, handoff.branch, body.manager_id, roles)
    return handoff_view(desk.record(handoff, events))


def decline_handoff(desk: Desk, *, handoff_id: str, body: DeclineHandoff) -> HandoffView:
    """Say that the manager who is asked can't; the next one is asked (V3).

    Raises HandoffNotFound, HandoffState.
    """
    handoff = _load(desk, handoff_id)
    try:
        events = model.decline(handoff, body.manager_id, reason=body.reason)
    except model.NotAllowed as error:
        raise _state_error(error) from error
    desk.record(handoff, events)
    dispatch(desk, handoff.branch)
    return _view_of(desk, handoff_id)


def complete_handoff(desk: Desk, *, handoff_id: str) -> HandoffView:
    """Say that the manager is done; whoever waits may be next (V3). Raises HandoffNotFound, HandoffState."""
    handoff = _load(desk, handoff_id)
    try:
        events = model.complete(handoff)
    except model.NotAllowed as error:
        raise _state_error(error) from error
    completed = desk.record(handoff, events)
    dispatch(desk, handoff.branch)
    return handoff_view(completed)


def set_roster(desk: Desk, *, branch: str, roster: Roster) -> RosterView:
    """Set who is on duty; whoever waits is offered to who is free now (V8). Raises ManagerListedTwice."""
    before = desk.roster(branch)
    try:
        events = model.set_roster(before, roster.managers)
    except model.ListedTwice as error:
        complaint = {"field": f"managers.{error.position}.manager_id", "message": str(error)}
        raise ManagerListedTwice(str(error), errors=[complaint]) from error
    desk.record_roster(before, events)
    dispatch(desk, branch)
    return roster_view(desk, branch)


PLACED_AT_ONCE = 30
"""How many of those who wait are looked at first: where nobody else can be placed, a full lounge slows no call."""


def settle(desk: Desk, branch: str) -> None:
    """Time out the offers that nobody answered, and ask the next managers: what the timer does (V3)."""
    for handoff in desk.expired(branch):
        desk.record(handoff, model.time_out(handoff, now=desk.now))
    dispatch(desk, branch)


def dispatch(desk: Desk, branch: str) -> None:
    """Place those who wait, in the order in which they came: asked for, in the lounge, or escalated.

    Nobody looks at them again by the clock, so everybody whose fate can change now is placed now.
    """
    first = desk.waiting(branch, PLACED_AT_ONCE)
    if not first:
        return
    roster = desk.roster(branch)
    loads = dict(desk.loads(branch, "accepted", "offered"))
    many = desk.count_waiting(branch) if len(first) >= PLACED_AT_ONCE else len(first)
    behind = first[PLACED_AT_ONCE:]
    _place(desk, first[:PLACED_AT_ONCE], roster, loads, ahead=0)
    if many > PLACED_AT_ONCE and policy.more_can_be_placed(roster, loads):
        behind = desk.waiting(branch, many)
        seen = {handoff.handoff_id for handoff in first[:PLACED_AT_ONCE]}
        behind = [handoff for handoff in behind if handoff.handoff_id not in seen]
    _place(desk, behind, roster, loads, ahead=max(0, many - len(behind)))


def _place(
    desk: Desk, handoffs: Sequence[model.Handoff], roster: model.Roster, loads: dict[str, int], *, ahead: int
) -> None:
    """Place these hand-offs one after another; ``loads`` grows with each offer."""
    for handoff in handoffs:
        placed = desk.record(handoff, policy.place(handoff, roster, loads, ahead=ahead, now=desk.now))
        if placed.state == "waiting":
            ahead += 1
        elif placed.manager_id is not None:
            loads[placed.manager_id] = loads.get(placed.manager_id, 0) + 1


def _load(desk: Desk, handoff_id: str) -> model.Handoff:
    handoff = desk.handoff(handoff_id)
    if handoff is None:
        raise HandoffNotFound(f"no hand-off has the id {handoff_id!r}")
    return handoff


def _view_of(desk: Desk, handoff_id: str) -> HandoffView:
    return handoff_view(_load(desk, handoff_id))


def _check_may_take(desk: Desk, branch: str, manager_id: str, roles: frozenset[str]) -> None:
    if desk.roster(branch).find(manager_id) is None and "supervisor" not in roles:
        raise NotOnRoster(f"{manager_id!r} is not on the roster of {branch}; only a supervisor may take the customer")


def _state_error(error: model.NotAllowed) -> HandoffState:
    holder = f", and it is {error.holder!r} who is asked" if error.state == "offered" else ""
    allowed = " or ".join(error.allowed) or "nothing"
    return HandoffState(
        f"the hand-off is {error.state}{holder}: {allowed} is possible, not {error.action}",
        state=error.state,
        allowed=list(error.allowed),
        manager_id=error.holder,
    )
