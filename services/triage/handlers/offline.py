"""Terminals without a network: blocks of numbers, and what is told of them later, in any order and twice (T4)."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from services.triage.errors import NumberNotLeased, NumberTaken, RequestedTooLongAgo
from services.triage.handlers.counters_and_devices import require_name
from services.triage.handlers.issue import business_of
from services.triage.handlers.timers import day_over
from services.triage.handlers.unit_of_work import LobbyReader, UnitOfWork
from services.triage.handlers.visits import decided
from services.triage.model import PAPER_REPORTS, Block, PaperReport, PaperReportKind, Visit, commands, decide
from services.triage.policy import Series, line_of, rank, route
from shared.contracts.events.terminal import TicketIssuedOffline, TicketLeft, TicketPrinted, TicketPrintFailed
from shared.contracts.events.triage import NumberBlockLeased
from shared.contracts.events.types import Reason
from shared.contracts.http.triage import LeaseNumbers, NumberBlock
from shared.errors import InvalidInput

BY_ITSELF = Reason(
    rule="offline.block", zh="取号机断网，按预留号段出号", en="The terminal was offline: its own numbers"
)

_SAID: Mapping[PaperReportKind, type[TicketPrinted | TicketPrintFailed | TicketLeft]] = {
    "printed": TicketPrinted, "print_failed": TicketPrintFailed, "left": TicketLeft,
}  # fmt: skip


def lease_numbers(uow: UnitOfWork, *, terminal_id: str, request: LeaseNumbers) -> NumberBlock:
    """Set numbers aside for a terminal: the series goes on behind them, so that nobody else gets any."""
    require_name("t", terminal_id)
    today = uow.today
    day = request.business_date or today
    if not today <= day <= today + timedelta(days=1):
        problem = {"field": "business_date", "message": "neither today nor tomorrow"}
        raise InvalidInput(f"business_date: {day} is neither today nor tomorrow", errors=[problem])
    series = uow.policy.series[request.channel]
    first = uow.next_number(day, series.prefix, series.start)
    leased = NumberBlockLeased(
        block_id=uow.new_id(),
        terminal_id=terminal_id,
        channel=request.channel,
        prefix=series.prefix,
        first=first,
        last=first + request.size - 1,
        width=series.width,
        business_date=day,
        expires_at=day_over(uow, day),
        report_until=_report_until(uow, day),
    )
    uow.record_block(leased)
    return _block_view(leased, series)


def issue_offline(uow: UnitOfWork, said: TicketIssuedOffline, at: datetime, by: str) -> None:
    """Enter a ticket that a terminal gave out by itself, with what it has said of it before.

    Raises NumberNotLeased, NumberTaken, RequestedTooLongAgo, UnknownBusiness.
    """
    asked, day = min(at, uow.now), day_of(uow, said.business_date, at)
    if _is_repeated(uow, said, day, asked):
        return
    if uow.now > _report_until(uow, day):
        raise RequestedTooLongAgo(f"number {said.number} is of {day}; it is too late to tell", field="business_date")
    block = _leased(uow, by, day, said.number)
    visit = Visit(visit_id=uow.new_id(), branch=uow.branch, business_date=day)
    visit = uow.record_visit(visit, decide(visit, _issue(uow, said, block, asked)), at=asked)
    said_before = uow.state.reports.get((day, said.number), ())
    for report in sorted(said_before, key=lambda report: PAPER_REPORTS.index(report.kind)):
        visit = apply_report(uow, visit, visit.tickets[0].ticket_id, report)


def record_report(uow: UnitOfWork, report: PaperReport) -> None:
    """Apply what a terminal says of an offline number, or keep it until the number is heard of."""
    ticket_id = uow.numbered(report.number, report.business_date)
    visit = None if ticket_id is None else uow.visit_of(ticket_id)
    if ticket_id is None or visit is None:
        _keep(uow, report)
    else:
        apply_report(uow, visit, ticket_id, report)


def apply_report(uow: UnitOfWork, visit: Visit, ticket_id: str, report: PaperReport) -> Visit:
    """Return the visit after what a terminal said of a paper; what does not fit any more changes nothing.

    Any order comes to the same: who left had the paper, whether or not that has been said; and a paper that failed
    may have come out at another try, so that its failure is kept until nobody says so any more.
    """
    ticket = visit.ticket(ticket_id)
    if report.kind == "print_failed":
        if ticket.state == "reserved":
            _keep(uow, report)
        return visit
    at = report.happened(ticket.requested_at, uow.now)
    if ticket.state == "reserved":
        visit = uow.record_visit(visit, decided(visit, commands.Print(ticket_id=ticket_id, at=at)), at=at)
    if report.kind == "left" and visit.ticket(ticket_id).state == "waiting":
        happened = decided(visit, commands.Leave(ticket_id=ticket_id, at=at))
        return uow.record_visit(visit, happened, at=at)
    return visit


def _keep(uow: UnitOfWork, report: PaperReport) -> None:
    """Keep what a terminal said of a paper, unless it is known; the fold lets go of it once the paper is out."""
    known = uow.state.reports.get((report.business_date, report.number), ())
    if any(one.kind == report.kind and one.at <= report.at for one in known):
        return
    uow.append_unpublished(_SAID[report.kind](number=report.number, business_date=report.business_date), report.at)


def day_of(lobby: LobbyReader, day: date | None, at: datetime) -> date:
    """Return the business day of a number: the one that is named, else that of the time."""
    return day or at.astimezone(lobby.zone).date()


def _issue(uow: UnitOfWork, said: TicketIssuedOffline, block: Block, asked: datetime) -> commands.Issue:
    business = business_of(uow.policy, said.business)
    customer = said.customer
    chosen = route(uow.policy, business, said.amount_minor, customer, (), currency=said.currency)
    late = uow.now >= day_over(uow, block.business_date)
    ahead = uow.state.queue.ahead(line_of(block.channel), rank(uow.policy, asked, chosen.priority))
    return commands.Issue(
        ticket_id=uow.new_id(),
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
        forms=uow.policy.forms_of(business),
        position=1 if late else ahead + 1,
        wait_p50_s=0.0,
        wait_p90_s=0.0,
        promised=False,
        estimated_from=(),
        offline=True,
        late=late,
        policy_version=uow.state.policy_version,
        policy_digest=uow.state.policy_digest,
    )


def _leased(uow: UnitOfWork, terminal_id: str, day: date, number: str) -> Block:
    for block in uow.state.blocks_of(terminal_id, day):
        if block.has(number):
            return block
    detail = f"number: {number} is in no block that terminal {terminal_id} has for {day}"
    raise NumberNotLeased(detail, field="number", number=number)


def _is_repeated(uow: UnitOfWork, said: TicketIssuedOffline, day: date, asked: datetime) -> bool:
    """Whether this very ticket is known; raise NumberTaken where the number is another one's."""
    ticket_id = uow.numbered(said.number, day)
    visit = None if ticket_id is None else uow.visit_of(ticket_id)
    if ticket_id is None or visit is None:
        return False
    ticket = visit.ticket(ticket_id)
    if (ticket.business, ticket.requested_at) == (said.business, asked):
        return True
    detail = f"number: {said.number} of {day} was given to somebody who asked at {ticket.requested_at.isoformat()}"
    raise NumberTaken(detail, field="number", number=said.number, ticket_id=ticket_id, state=ticket.state, allowed=[])


def _report_until(uow: UnitOfWork, day: date) -> datetime:
    return day_over(uow, day) + timedelta(seconds=uow.policy.offline_late_s)


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
