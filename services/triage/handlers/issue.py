"""Taking a ticket: identify, choose the channel, promise a wait (T1-T6, T9)."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from services.triage.errors import RequestedInFuture, RequestedTooLongAgo, UnknownBusiness
from services.triage.handlers.estimates import outlook
from services.triage.handlers.ports import Desk
from services.triage.model import Customer, Visit, commands, decide
from services.triage.model.events import TicketIssued
from services.triage.policy import Business, Policy, Route, close_matches, line_of, rank, route
from shared.contracts.http.triage import TakeTicket, TicketTaken, Wait
from shared.contracts.terminal import TicketRequest


@dataclass(frozen=True, kw_only=True)
class House:
    """What a branch is run by: its time zone and its policy, which is the ``version``-th with this digest."""

    zone: tzinfo
    policy: Policy
    version: int = 0
    digest: str = ""


def take_ticket(desk: Desk, house: House, *, branch: str, request: TakeTicket) -> TicketTaken:
    """Issue a ticket for a request that came by HTTP.

    Raises :class:`UnknownBusiness`, :class:`RequestedInFuture`, :class:`RequestedTooLongAgo`.
    """
    asked = request.requested_at or desk.now
    if (asked - desk.now).total_seconds() > house.policy.early_s:
        raise RequestedInFuture(
            f"requested_at: {asked.isoformat()} is later than now, {desk.now.isoformat()}",
            errors=[{"field": "requested_at", "message": "in the future"}],
        )
    return _taken(issue(desk, house, branch=branch, request=request, asked=asked))


def issue(desk: Desk, house: House, *, branch: str, request: TicketRequest, asked: datetime) -> TicketIssued:
    """Route a request of ``asked``, reserve its ticket, and return what happened."""
    asked = min(asked, desk.now)
    _check_age(house.policy, asked, desk.now)
    business = _business(house.policy, request.business)
    customer = Customer(**request.customer.model_dump())
    up = {device.kind for device in desk.devices(branch) if device.status == "up"}
    chosen = route(house.policy, business, request.amount_minor, customer, up)
    day = asked.astimezone(house.zone).date()
    visit = Visit(visit_id=desk.new_id(), branch=branch, business_date=day)
    series = house.policy.series[chosen.channel]
    number = series.number(desk.next_number(branch, day, series.prefix, series.start))
    happened = decide(visit, _command(desk, house, branch, request, asked, business, customer, chosen, number))
    desk.record_visit(visit, happened, at=asked)
    (issued,) = happened
    assert isinstance(issued, TicketIssued)
    return issued


def _command(
    desk: Desk,
    house: House,
    branch: str,
    request: TicketRequest,
    asked: datetime,
    business: Business,
    customer: Customer,
    chosen: Route,
    number: str,
) -> commands.Issue:
    ahead = desk.ahead(branch, line_of(chosen.channel), rank(house.policy, asked, chosen.priority))
    promise = outlook(desk, branch).promise(house.policy, chosen.channel, ahead)
    return commands.Issue(
        ticket_id=desk.new_id(),
        number=number,
        channel=chosen.channel,
        business=request.business,
        priority=chosen.priority,
        customer=customer,
        amount_minor=request.amount_minor,
        currency=request.currency,
        requested_at=asked,
        terminal_id=request.terminal_id,
        reasons=chosen.reasons,
        forms=house.policy.forms_of(business),
        position=ahead + 1,
        wait_p50_s=promise.p50_s,
        wait_p90_s=promise.p90_s,
    )


def _business(policy: Policy, code: str) -> Business:
    business = policy.businesses.get(code)
    if business is None:
        close = close_matches(code, policy.businesses)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise UnknownBusiness(
            f"business: {code!r} is not offered here{hint}",
            field="business",
            suggestions=list(close),
            errors=[{"field": "business", "message": "not offered here"}],
        )
    return business


def _check_age(policy: Policy, asked: datetime, now: datetime) -> None:
    if now - asked > timedelta(seconds=policy.late_s):
        raise RequestedTooLongAgo(
            f"requested_at: {asked.isoformat()} is more than {policy.late_s / 3600:g} hours ago",
            field="requested_at",
            errors=[{"field": "requested_at", "message": "too long ago"}],
        )


def _taken(issued: TicketIssued) -> TicketTaken:
    return TicketTaken.model_validate(
        {
            **{name: getattr(issued, name) for name in TicketTaken.model_fields if name != "wait"},
            "wait": Wait(p50_s=issued.wait_p50_s, p90_s=issued.wait_p90_s),
        },
        from_attributes=True,
    )
