"""Taking a ticket: identify, choose the channel, promise a wait (T1-T6, T9)."""

from dataclasses import replace
from datetime import datetime, timedelta

from services.triage.errors import BranchClosed, RequestedInFuture, RequestedTooLongAgo, UnknownBusiness
from services.triage.handlers.diversion import kinds_up
from services.triage.handlers.estimates import ahead_of, outlook
from services.triage.handlers.unit_of_work import UnitOfWork
from services.triage.handlers.visits import customer_of, require_not_queued, visit_for
from services.triage.model import Appointment, Visit, commands, decide
from services.triage.policy import Business, Policy, Quote, Route, close_matches, is_open, opens_next, rank, route
from services.triage.policy.appointments import CheckIn, check_in
from shared.contracts.events.terminal import TicketRequest
from shared.contracts.events.triage import AppointmentArrived, TicketIssued
from shared.contracts.events.types import Customer
from shared.contracts.http.triage import TakeTicket, TicketTaken, Wait


def take_ticket(uow: UnitOfWork, *, request: TakeTicket) -> TicketTaken:
    """Issue a ticket for a request that came by HTTP.

    Raises :class:`UnknownBusiness`, :class:`RequestedInFuture`, :class:`RequestedTooLongAgo`.
    """
    asked = request.requested_at or uow.now
    if (asked - uow.now).total_seconds() > uow.policy.early_s:
        raise RequestedInFuture(
            f"requested_at: {asked.isoformat()} is later than now, {uow.now.isoformat()}",
            errors=[{"field": "requested_at", "message": "in the future"}],
        )
    first, *others = issue(uow, request=request.ticket_request(), asked=asked)
    return _taken(first, *map(_taken, others))


def issue(uow: UnitOfWork, *, request: TicketRequest, asked: datetime) -> list[TicketIssued]:
    """Reserve a ticket for each business of a request of ``asked``, all of one visit; return what happened.

    Raises :class:`UnknownBusiness`, :class:`RequestedTooLongAgo`, :class:`BranchClosed`, :class:`AlreadyQueued`,
    :class:`VisitNotFound`, :class:`VisitEnded`.
    """
    asked = min(asked, uow.now)
    policy = uow.policy
    _check_age(policy, asked, uow.now)
    _require_open(policy, asked.astimezone(uow.zone))
    wanted = {code: business_of(policy, code, field) for code, field in request.wanted.items()}
    visit = visit_for(uow, request=request, asked=asked)
    customer = customer_of(request, visit)
    if not request.again:
        for code, field in request.wanted.items():
            require_not_queued(uow, visit, code, customer, field)
    issued = []
    for code, business in wanted.items():
        visit, event = _issue_one(uow, visit, request, asked, code, business, customer)
        issued.append(event)
    return issued


def _issue_one(
    uow: UnitOfWork,
    visit: Visit,
    request: TicketRequest,
    asked: datetime,
    code: str,
    business: Business,
    customer: Customer,
) -> tuple[Visit, TicketIssued]:
    up = kinds_up(uow)
    policy = uow.policy
    chosen = route(policy, business, request.amount_minor, customer, up, currency=request.currency)
    series = policy.series[chosen.channel]
    drawn = uow.next_number(visit.business_date, series.prefix, series.start)
    number = series.number(drawn)
    appointment, checked = _check_in(uow, visit, request, code, customer, asked)
    if checked is not None:
        priority = max(chosen.priority, checked.priority)
        chosen = replace(chosen, priority=priority, reasons=(*chosen.reasons, checked.reason))
    lined = checked.lined_at if checked is not None else None
    ahead, quote = _promise(uow, lined or asked, chosen, code)
    command = _command(uow, request, asked, code, business, customer, chosen, number, ahead, quote)
    command = replace(command, devices=tuple(kind for kind in business.devices if kind in up))
    if checked is not None:
        command = replace(command, lined_at=checked.lined_at, appointment=checked.arrival)
    issued, *_ = happened = decide(visit, command)
    assert isinstance(issued, TicketIssued)
    if appointment is not None and appointment.slot_at is not None and checked is not None and checked.arrival:
        arrived = AppointmentArrived(
            appointment_id=appointment.appointment_id,
            ticket_id=issued.ticket_id,
            slot_at=appointment.slot_at,
            arrival=checked.arrival,
        )
        uow.record_appointment(appointment, [arrived])
    return uow.record_visit(visit, happened, at=asked), issued


def _check_in(
    uow: UnitOfWork, visit: Visit, request: TicketRequest, code: str, customer: Customer, asked: datetime
) -> tuple[Appointment | None, CheckIn | None]:
    """Return the appointment that the customer comes to, and what that gives them (T11).

    Of a visit, the ticket for the appointment's business comes to it, and the others say nothing of it.
    """
    name = customer.appointment_id
    if name is None:
        return None, None
    appointment = uow.appointment(name)
    named = [ticket for ticket in visit.tickets if ticket.customer.appointment_id == name]
    if appointment is not None and appointment.business == code:
        told = any(ticket.ticket_id == appointment.ticket_id for ticket in named)
    else:
        told = bool(named) or (appointment is not None and appointment.business in request.wanted)
    return (None, None) if told else (appointment, check_in(uow.policy, appointment, code, asked))


def _promise(uow: UnitOfWork, asked: datetime, chosen: Route, business: str) -> tuple[int, Quote]:
    """Return how many are ahead, and what is promised."""
    view = outlook(uow)
    place = rank(uow.policy, asked, chosen.priority)
    ahead = ahead_of(uow, view, chosen.channel, place, chosen.priority)
    return ahead, view.quote(uow.policy, chosen.channel, chosen.priority, ahead, business)


def _command(
    uow: UnitOfWork,
    request: TicketRequest,
    asked: datetime,
    code: str,
    business: Business,
    customer: Customer,
    chosen: Route,
    number: str,
    ahead: int,
    quote: Quote,
) -> commands.Issue:
    return commands.Issue(
        ticket_id=uow.new_id(),
        number=number,
        channel=chosen.channel,
        business=code,
        priority=chosen.priority,
        customer=customer,
        amount_minor=request.amount_minor,
        currency=request.currency,
        requested_at=asked,
        terminal_id=request.terminal_id,
        reasons=chosen.reasons,
        forms=uow.policy.forms_of(business),
        position=ahead + 1,
        wait_p50_s=quote.p50_s,
        wait_p90_s=quote.p90_s,
        promised=(uow.now - asked).total_seconds() <= uow.policy.early_s,  # later, it was no promise to anybody
        estimated_from=quote.seen,
        policy_version=uow.state.policy_version,
        policy_digest=uow.state.policy_digest,
    )


def business_of(policy: Policy, code: str, field: str = "business") -> Business:
    """Return a business that the branch offers; raise :class:`UnknownBusiness` with what may have been meant.

    ``field`` is where the request names it.
    """
    business = policy.businesses.get(code)
    if business is None:
        close = close_matches(code, policy.businesses)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise UnknownBusiness(
            f"{field}: {code!r} is not offered here{hint}",
            field=field,
            suggestions=list(close),
            errors=[{"field": field, "message": "not offered here"}],
        )
    return business


def _require_open(policy: Policy, local: datetime) -> None:
    if policy.outside_hours == "accept" or is_open(policy, local):
        return
    opens = opens_next(policy, local)
    raise BranchClosed(
        f"the branch is closed at {local:%Y-%m-%d %H:%M}" + (f"; it opens at {opens:%Y-%m-%d %H:%M}" if opens else ""),
        state="closed",
        opens_at=None if opens is None else opens.isoformat(),
    )


def _check_age(policy: Policy, asked: datetime, now: datetime) -> None:
    if now - asked > timedelta(seconds=policy.late_s):
        raise RequestedTooLongAgo(
            f"requested_at: {asked.isoformat()} is more than {policy.late_s / 3600:g} hours ago",
            field="requested_at",
            errors=[{"field": "requested_at", "message": "too long ago"}],
        )


def _taken(issued: TicketIssued, *others: TicketTaken) -> TicketTaken:
    return TicketTaken.model_validate(
        {
            **{name: getattr(issued, name) for name in TicketTaken.model_fields if name not in ("wait", "others")},
            "wait": Wait(p50_s=issued.wait_p50_s, p90_s=issued.wait_p90_s),
            "others": others,
        },
        from_attributes=True,
    )
