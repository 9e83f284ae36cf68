"""Terminals without a network: blocks of numbers, and what is told of them later, in any order and twice (T4)."""

from datetime import date, datetime, timedelta

from services.triage.errors import NumberNotLeased, NumberTaken, RequestedTooLongAgo
from services.triage.handlers.closing import day_over
from services.triage.handlers.house import House
from services.triage.handlers.issue import business_of
from services.triage.handlers.learning import forget
from services.triage.handlers.loading import decided
from services.triage.handlers.names import require_name
from services.triage.handlers.ports import Desk
from services.triage.model import PAPER_REPORTS, Block, PaperReport, Visit, commands, decide
from services.triage.policy import Series, line_of, rank, route
from shared.contracts.events.terminal import TicketIssuedOffline
from shared.contracts.events.triage import NumberBlockLeased
from shared.contracts.events.types import Reason
from shared.contracts.http.triage import LeaseNumbers, NumberBlock
from shared.errors import InvalidInput

BY_ITSELF = Reason(
    rule="offline.block", zh="取号机断网，按预留号段出号", en="The terminal was offline: its own numbers"
)


def lease_numbers(desk: Desk, house: House, *, branch: str, terminal_id: str, request: LeaseNumbers) -> NumberBlock:
    """Set numbers aside for a terminal: the series goes on behind them, so that nobody else gets any."""
    require_name("t", terminal_id)
    today = desk.now.astimezone(house.zone).date()
    day = request.business_date or today
    if not today <= day <= today + timedelta(days=1):
        problem = {"field": "business_date", "message": "neither today nor tomorrow"}
        raise InvalidInput(f"business_date: {day} is neither today nor tomorrow", errors=[problem])
    series = house.policy.series[request.channel]
    last = desk.last_of_numbers(branch, day, series.prefix, series.start, request.size)
    leased = NumberBlockLeased(
        block_id=desk.new_id(),
        terminal_id=terminal_id,
        channel=request.channel,
        prefix=series.prefix,
        first=last - request.size + 1,
        last=last,
        width=series.width,
        business_date=day,
        expires_at=day_over(house, day),
        report_until=_report_until(house, day),
    )
    desk.record_block(branch, leased)
    return _block_view(leased, series)


def issue_offline(desk: Desk, house: House, branch: str, said: TicketIssuedOffline, at: datetime, by: str) -> None:
    """Enter a ticket that a terminal gave out by itself, with what it has said of it before.

    Raises NumberNotLeased, NumberTaken, RequestedTooLongAgo, UnknownBusiness.
    """
    asked, day = min(at, desk.now), day_of(house, said.business_date, at)
    if _is_repeated(desk, branch, said, day, asked):
        return
    if desk.now > _report_until(house, day):
        raise RequestedTooLongAgo(f"number {said.number} is of {day}; it is too late to tell", field="business_date")
    block = _leased(desk, branch, by, day, said.number)
    visit = Visit(visit_id=desk.new_id(), branch=branch, business_date=day)
    visit = desk.record_visit(visit, decide(visit, _issue(desk, house, branch, said, block, asked)), at=asked)
    for report in sorted(
        desk.take_reports(branch, day, said.number), key=lambda report: PAPER_REPORTS.index(report.kind)
    ):
        visit = believe(desk, visit, visit.tickets[0].ticket_id, report)


def hear(desk: Desk, branch: str, report: PaperReport) -> None:
    """Believe what a terminal says of an offline number, or keep it until the number is heard of."""
    ticket_id = desk.ticket_of_day(branch, report.business_date, report.number)
    visit = None if ticket_id is None else desk.visit_of(branch, ticket_id)
    if ticket_id is None or visit is None:
        desk.keep_report(branch, report)
        return
    believe(desk, visit, ticket_id, report)
    if report.kind != "print_failed":
        desk.take_reports(branch, report.business_date, report.number)  # a failure that was kept is refuted


def believe(desk: Desk, visit: Visit, ticket_id: str, report: PaperReport) -> Visit:
    """Return the visit after what a terminal said of a paper; what does not fit any more changes nothing.

    Any order comes to the same: who left had the paper, whether or not that has been said; and a paper that failed
    may have come out at another try, so that its failure is kept until nobody says so any more.
    """
    ticket = visit.ticket(ticket_id)
    if report.kind == "print_failed":
        if ticket.state == "reserved":
            desk.keep_report(visit.branch, report)
        return visit
    at = report.happened(ticket.requested_at, desk.now)
    if ticket.state == "reserved":
        visit = desk.record_visit(visit, decided(visit, commands.Print(ticket_id=ticket_id, at=at)), at=at)
    if report.kind == "left" and visit.ticket(ticket_id).state == "waiting":
        happened = decided(visit, commands.Leave(ticket_id=ticket_id, at=at))
        forget(desk, visit.branch, happened)
        return desk.record_visit(visit, happened, at=at)
    return visit


def day_of(house: House, day: date | None, at: datetime) -> date:
    """Return the business day of a number: the one that is named, else that of the time."""
    return day or at.astimezone(house.zone).date()


def _issue(
    desk: Desk, house: House, branch: str, said: TicketIssuedOffline, block: Block, asked: datetime
) -> commands.Issue:
    business = business_of(house.policy, said.business)
    customer = said.customer
    chosen = route(house.policy, business, said.amount_minor, customer, (), currency=said.currency)
    late = desk.now >= day_over(house, block.business_date)
    ahead = desk.ahead(branch, line_of(block.channel), rank(house.policy, asked, chosen.priority))
    return commands.Issue(
        ticket_id=desk.new_id(),
        number=said.number,
        channel=block.channel,
        business=said.business,
        priority=chosen.priority,
        customer=customer,
        amount_minor=said.amount_minor,
        currency=said.currency,
        requested_at=asked,
        terminal_id=block.terminal_id,
        reasons=(BY_ITSELF,),
        forms=house.policy.forms_of(business),
        position=1 if late else ahead + 1,
        wait_p50_s=0.0,
        wait_p90_s=0.0,
        offline=True,
        late=late,
        policy_version=house.version,
        policy_digest=house.digest,
    )


def _leased(desk: Desk, branch: str, terminal_id: str, day: date, number: str) -> Block:
    for block in desk.blocks_of(branch, terminal_id, day):
        if block.has(number):
            return block
    detail = f"number: {number} is in no block that terminal {terminal_id} has for {day}"
    raise NumberNotLeased(detail, field="number", number=number)


def _is_repeated(desk: Desk, branch: str, said: TicketIssuedOffline, day: date, asked: datetime) -> bool:
    """Whether this very ticket is known; raise NumberTaken where the number is another one's."""
    ticket_id = desk.ticket_of_day(branch, day, said.number)
    visit = None if ticket_id is None else desk.visit_of(branch, ticket_id)
    if ticket_id is None or visit is None:
        return False
    ticket = visit.ticket(ticket_id)
    if (ticket.business, ticket.requested_at) == (said.business, asked):
        return True
    detail = f"number: {said.number} of {day} was given to somebody who asked at {ticket.requested_at.isoformat()}"
    raise NumberTaken(detail, field="number", number=said.number, ticket_id=ticket_id, state=ticket.state, allowed=[])


def _report_until(house: House, day: date) -> datetime:
    return day_over(house, day) + timedelta(seconds=house.policy.offline_late_s)


def _block_view(leased: NumberBlockLeased, series: Series) -> NumberBlock:
    return NumberBlock(
        block_id=leased.block_id,
        terminal_id=leased.terminal_id,
        channel=leased.channel,
        prefix=leased.prefix,
        from_=leased.first,
        to=leased.last,
        width=leased.width,
        first_number=series.number(leased.first),
        last_number=series.number(leased.last),
        business_date=leased.business_date,
        expires_at=leased.expires_at,
        report_until=leased.report_until,
    )
