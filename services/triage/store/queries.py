"""The statements of triage, built once: to build one costs more than to run it.

Every one that a command runs is found by an index, so that it reads what it returns (or changes) and
not the whole line: a branch where 2,000 wait calls as fast as one with 20.
"""

from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, delete, func, select

from services.triage.model import AT_COUNTER, OPEN
from services.triage.model.marks import UNDER_WAY
from services.triage.model.types import IN_LOBBY
from services.triage.store import tables
from services.triage.store.bodies import AWAY
from services.triage.store.line import GUARDED, OFTEN

_visit, _ticket = tables.visit.c, tables.ticket.c
_counter, _device = tables.counter.c, tables.device.c
_line, _estimator = tables.line_state.c, tables.estimator.c


def _given(name: str) -> BindParameter[Any]:
    return bindparam(name)


_of_branch = _ticket.branch == _given("of_branch")

IN_LINE: tuple[ColumnElement[bool], ...] = (
    _of_branch,
    _ticket.state == "waiting",
    _ticket.line.in_(bindparam("lines", expanding=True)),
)
"""Who waits in ``lines``."""

_with_visit: Select[Any] = select(_ticket.ticket_id, _visit.body).join(
    tables.visit, _visit.visit_id == _ticket.visit_id
)

BRANCH_OF = select(_ticket.branch).where(_ticket.ticket_id == _given("ticket_id"))

VISIT = select(_visit.body).where(_visit.visit_id == _given("visit_id"), _visit.branch == _given("of_branch"))

_open_for = (_of_branch, _ticket.business == _given("business"), _ticket.state.in_(OPEN))
OPEN_OF_CUSTOMER = _with_visit.where(*_open_for, _ticket.customer_ref == _given("customer_ref"))
OPEN_OF_CARD = _with_visit.where(*_open_for, _ticket.card_token == _given("card_token"))

VISIT_OF = (
    select(_visit.body)
    .join(tables.ticket, _ticket.visit_id == _visit.visit_id)
    .where(_ticket.ticket_id == _given("ticket_id"), _of_branch)
)

NUMBERED_ON = select(_ticket.ticket_id).where(
    _of_branch, _ticket.number == _given("number"), _ticket.business_date == _given("day")
)

NUMBERED = (
    select(_ticket.ticket_id)
    .where(_of_branch, _ticket.number == _given("number"))
    .order_by(_ticket.business_date.desc())
    .limit(1)
)

STANDING = select(_ticket.ticket_id).where(*IN_LINE).order_by(_ticket.rank, _ticket.ticket_id)

UNPRINTED = (
    select(_ticket.branch, _ticket.ticket_id)
    .where(_ticket.expires <= _given("before"), _ticket.state == "reserved")
    .order_by(_ticket.expires)
    .limit(_given("most"))
)
"""Whose paper nobody reported in time, of any branch (T4)."""

OVERDUE = select(_visit.branch).where(_visit.state == "active", _visit.business_date < _given("day")).distinct()
"""The branches that have open visits of earlier days."""

UNENDED = (
    select(_visit.body, _visit.touched)
    .where(_visit.branch == _given("of_branch"), _visit.state == "active", _visit.business_date < _given("day"))
    .order_by(_visit.business_date, _visit.visit_id)
    .limit(_given("most"))
)

TOUCHED = select(func.max(_visit.touched)).where(
    _visit.branch == _given("of_branch"), _visit.business_date >= _given("day")
)

AHEAD = select(func.count()).where(*IN_LINE, _ticket.rank <= _given("rank"))

COUNTER = select(_counter.body).where(_counter.branch == _given("of_branch"), _counter.counter == _given("counter"))

VIP_CREDIT = select(tables.vip_credit.c.credit).where(
    tables.vip_credit.c.branch == _given("of_branch"), tables.vip_credit.c.counter == _given("counter")
)

COUNTERS = select(_counter.body).where(_counter.branch == _given("of_branch")).order_by(_counter.counter)

DEVICES = select(_device.body).where(_device.branch == _given("of_branch")).order_by(_device.device_id)

AT_COUNTERS = _with_visit.where(_of_branch, _ticket.state.in_(AT_COUNTER))

AT_ONE_COUNTER = AT_COUNTERS.where(_ticket.counter == _given("counter"))

BUSY = select(_ticket.counter).where(_of_branch, _ticket.state.in_(AT_COUNTER))

WAITING = (
    _with_visit.add_columns(_ticket.lined, _ticket.rank, OFTEN.label("times"), GUARDED.label("guarded"))
    .where(_of_branch, _ticket.state == "waiting")
    .order_by(_ticket.rank, _ticket.ticket_id)
    .limit(_given("most"))
)

LINES = (
    select(_ticket.channel, func.count(), func.min(_ticket.waiting_from))
    .where(_of_branch, _ticket.state == "waiting")
    .group_by(_ticket.channel)
)

ESTIMATORS = select(_estimator.line, _estimator.body).where(_estimator.branch == _given("of_branch"))

ESTIMATOR = select(_estimator.body).where(_estimator.branch == _given("of_branch"), _estimator.line == _given("line"))

CROWDS = select(
    _line.line,
    _line.waiting,
    select(func.min(_ticket.lined))
    .where(_ticket.branch == _line.branch, _ticket.state == "waiting", _ticket.line == _line.line)
    .scalar_subquery(),
).where(_line.branch == _given("of_branch"), _line.waiting > 0)
"""How many stand in each line, and since when the first: nobody is counted."""

BEHIND = select(func.count()).where(*IN_LINE, _ticket.rank > _given("rank"))

PLACE = select(_ticket.rank, _ticket.lined).where(_ticket.ticket_id == _given("ticket_id"))

EARLIER = (
    select(_ticket.line, func.count()).where(*IN_LINE, _ticket.lined < _given("lined_before")).group_by(_ticket.line)
)

FORGET_QUOTE = delete(tables.quote).where(tables.quote.c.ticket_id == _given("promised_to"))
REDEEM = FORGET_QUOTE.returning(tables.quote.c.body)

DIVERSIONS = (
    select(_ticket.diversion, _ticket.went, func.count())
    .where(_of_branch, _ticket.business_date == _given("day"), _ticket.diversion.is_not(None))
    .group_by(_ticket.diversion, _ticket.went)
)

DIVERTED = select(_ticket.ticket_id, _ticket.business).where(
    _of_branch,
    _ticket.state.in_(IN_LOBBY),
    _ticket.line.in_(("self_service", AWAY + "self_service")),
    _ticket.diversion.in_(UNDER_WAY),
)
"""Who is on the way to a device, and may be at a counter with another business meanwhile."""

TOTALS = (
    select(_ticket.state, func.count())
    .where(_of_branch, _ticket.business_date == _given("day"))
    .group_by(_ticket.state)
)
