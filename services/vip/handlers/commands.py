"""What people ask of vip, and who is asked for whom then (V1-V3, V8)."""

from dataclasses import dataclass

from services.vip import model, policy
from services.vip.errors import HandoffNotFound, HandoffState, ManagerListedTwice, NotOneself, NotOnRoster
from services.vip.handlers.unit_of_work import UnitOfWork, Vault
from services.vip.handlers.views import handoff_view, roster_view
from shared.contracts.events.vip import CustomerArrived
from shared.contracts.http.permissions import IN_CHARGE
from shared.contracts.http.vip import (
    AcceptHandoff,
    Arrival,
    DeclineHandoff,
    HandoffView,
    Roster,
    RosterView,
)


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who asks, by the subject of their token, and what they are."""

    subject: str
    roles: frozenset[str]

    def on_behalf_of(self, manager_id: str) -> str | None:
        """Return who speaks for the manager; None where it is the manager. Raises NotOneself."""
        if manager_id == self.subject:
            return None
        if not self.roles & IN_CHARGE:
            raise NotOneself(f"{self.subject!r} cannot speak for {manager_id!r}: managers answer as themselves")
        return self.subject


def arrive(uow: UnitOfWork, vault: Vault, *, request: Arrival) -> HandoffView:
    """Recognise a VIP customer and offer them to the fitting manager (V1-V3).

    A visit has one hand-off at a time: told again of the same visit, the answer is the one that
    there is. Personal data goes to the vault; the events carry an opaque reference only.
    """
    known = uow.state.of_visit(request.visit_id) if request.visit_id else None
    if known is not None:
        return handoff_view(known)
    customer_ref = request.customer_ref or uow.new_id()
    happened = CustomerArrived(
        handoff_id=uow.new_id(),
        visit_id=request.visit_id or uow.new_id(),
        business_date=uow.today,
        tier=request.tier,
        recognised_by=request.recognised_by,
        customer_ref=customer_ref,
        business=request.business,
        own_manager_id=request.manager_id,
    )
    handoff = uow.begin(happened, at=uow.now)
    dispatch(uow)
    who = request.customer.model_dump(exclude_none=True) if request.customer else {}
    if who:  # last, since it's kept in another database: nothing that fails above leaves anybody's name there
        vault.store(customer_ref, who)
    return _view_of(uow, handoff.handoff_id)


def accept_handoff(uow: UnitOfWork, *, handoff_id: str, request: AcceptHandoff, actor: Actor) -> HandoffView:
    """Take the customer (V3). Raises HandoffNotFound, HandoffState, NotOneself, NotOnRoster."""
    handoff = _load(uow, handoff_id)
    ticket = uow.state.ticket_of(handoff_id)
    try:
        events = model.accept(
            handoff,
            request.manager_id,
            ticket_id=ticket.ticket_id if ticket else None,
            by=actor.on_behalf_of(request.manager_id),
        )
    except model.NotAllowed as error:
        raise _state_error(error) from error
    if handoff.state in ("waiting", "escalated"):
        _check_may_take(uow, request.manager_id, actor.roles)
    return handoff_view(uow.record(handoff, events))


def decline_handoff(uow: UnitOfWork, *, handoff_id: str, request: DeclineHandoff, actor: Actor) -> HandoffView:
    """Say that the manager who is asked can't; the next one is asked (V3).

    Raises HandoffNotFound, HandoffState, NotOneself.
    """
    handoff = _load(uow, handoff_id)
    try:
        by = actor.on_behalf_of(request.manager_id)
        events = model.decline(handoff, request.manager_id, reason=request.reason, by=by)
    except model.NotAllowed as error:
        raise _state_error(error) from error
    uow.record(handoff, events)
    dispatch(uow)
    return _view_of(uow, handoff_id)


def complete_handoff(uow: UnitOfWork, *, handoff_id: str, actor: Actor) -> HandoffView:
    """Say that the manager is done; whoever waits may be next (V3).

    Raises HandoffNotFound, HandoffState, NotOneself.
    """
    handoff = _load(uow, handoff_id)
    try:
        by = actor.on_behalf_of(handoff.manager_id) if handoff.manager_id else None
        events = model.complete(handoff, by=by)
    except model.NotAllowed as error:
        raise _state_error(error) from error
    completed = uow.record(handoff, events)
    dispatch(uow)
    return handoff_view(completed)


def set_roster(uow: UnitOfWork, *, request: Roster) -> RosterView:
    """Set who is on duty; whoever waits is offered to who is free now (V8). Raises ManagerListedTwice."""
    before = uow.state.roster
    try:
        events = model.set_roster(before, request.managers)
    except model.ListedTwice as error:
        complaint = {"field": f"managers.{error.position}.manager_id", "message": str(error)}
        raise ManagerListedTwice(str(error), errors=[complaint]) from error
    uow.record_roster(events)
    dispatch(uow)
    return roster_view(uow)


def dispatch(uow: UnitOfWork) -> None:
    """Place those who wait, in the order in which they came: asked for, in the lounge, or escalated.

    Nobody looks at them again by the clock, so everybody whose fate can change now is placed now.
    """
    state = uow.state
    loads = dict(state.loads("accepted", "offered"))
    more_can_be_placed = policy.more_can_be_placed(state.roster, loads)
    ahead = 0
    for handoff in state.active:
        if handoff.state != "waiting":
            continue
        if more_can_be_placed or handoff.unsettled:
            happened = policy.place(handoff, state.roster, loads, ahead=ahead, now=uow.now)
            handoff = uow.record(handoff, happened)
        if handoff.state == "waiting":
            ahead += 1
        elif handoff.manager_id is not None:
            loads[handoff.manager_id] = loads.get(handoff.manager_id, 0) + 1
            more_can_be_placed = policy.more_can_be_placed(state.roster, loads)


def _load(uow: UnitOfWork, handoff_id: str) -> model.Handoff:
    handoff = uow.handoff(handoff_id)
    if handoff is None:
        raise HandoffNotFound(f"no hand-off has the id {handoff_id!r}")
    return handoff


def _view_of(uow: UnitOfWork, handoff_id: str) -> HandoffView:
    return handoff_view(_load(uow, handoff_id))


def _check_may_take(uow: UnitOfWork, manager_id: str, roles: frozenset[str]) -> None:
    if uow.state.roster.find(manager_id) is None and "supervisor" not in roles:
        raise NotOnRoster(
            f"{manager_id!r} is not on the roster of {uow.branch}; only a supervisor may take the customer"
        )


def _state_error(error: model.NotAllowed) -> HandoffState:
    holder = f", and it is {error.holder!r} who is asked" if error.state == "offered" else ""
    allowed = " or ".join(error.allowed) or "nothing"
    return HandoffState(
        f"the hand-off is {error.state}{holder}: {allowed} is possible, not {error.action}",
        state=error.state,
        allowed=list(error.allowed),
        manager_id=error.holder,
    )
