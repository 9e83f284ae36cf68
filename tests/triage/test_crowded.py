"""A crowded branch calls as fast as an empty one: counted in what the database does, not in time (T7, T12)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import event as sql_event
from sqlalchemy import insert, update

from services.triage.model import Visit
from services.triage.store import Due, Records, line, tables
from services.triage.store.bodies import ticket_row, visit_row
from services.triage.store.floor import Floor
from shared.clock import ManualClock
from shared.contracts.events import triage
from shared.storage import Storage
from tests.triage.lobby import BRANCH, Lobby
from tests.triage.memory import on_a_database

pytestmark = on_a_database

APART_S = 60.0
FEW, MANY = 20, 2000


@dataclass
class Work:
    """What the database did: statements, and rows (PostgreSQL) or steps of its machine (SQLite)."""

    statements: int = 0
    reads: int = 0
    rows: int = 0
    steps: int = 0


@contextmanager
def counted(storage: Storage) -> Iterator[Work]:
    """Count what the database does for the storage."""
    work = Work()

    def step() -> int:
        work.steps += 1
        return 0

    def before(_connection: Any, cursor: Any, *_rest: Any) -> None:
        if storage.engine.dialect.name == "sqlite":
            cursor.connection.set_progress_handler(step, 1)

    def after(_connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        work.statements += not statement.startswith("BEGIN")
        work.reads += statement.startswith("SELECT")
        work.rows += max(0, cursor.rowcount)

    sql_event.listen(storage.engine, "before_cursor_execute", before)
    sql_event.listen(storage.engine, "after_cursor_execute", after)
    try:
        yield work
    finally:
        sql_event.remove(storage.engine, "before_cursor_execute", before)
        sql_event.remove(storage.engine, "after_cursor_execute", after)
        if storage.engine.dialect.name == "sqlite":
            storage.engine.dispose()  # with the handlers


def crowd(lobby: Lobby, first: int, last: int, *, since_s: float) -> None:
    """Let tickets wait, a minute after one another from ``since_s`` ago: rows like those of one that was taken."""
    taken = lobby.wait()
    with lobby.storage.transaction(BRANCH) as tx:
        visit = Records(tx.connection).visit_of(BRANCH, taken.ticket_id)
        assert visit is not None
        visits = [_like(visit, n, since_s - APART_S * n) for n in range(first, last)]
        tx.connection.execute(insert(tables.visit), [visit_row(visit, tx.now) for visit in visits])
        rows = [ticket_row(lobby.policy, visit, visit.tickets[0], tx.now) for visit in visits]
        tx.connection.execute(insert(tables.ticket), rows)
        more = tables.line_state.c.waiting + (last - first)
        tx.connection.execute(update(tables.line_state).values(waiting=more))
        tx.forget(BRANCH, Floor)  # which did not see it


def _like(visit: Visit, n: int, earlier_s: float) -> Visit:
    ticket = visit.tickets[0]
    at = ticket.lined_at - timedelta(seconds=earlier_s)
    ticket = replace(ticket, ticket_id=f"ticket-{n}", number=f"X{n}", requested_at=at, lined_at=at)
    return replace(visit, visit_id=f"visit-{n}", tickets=(ticket,))


def day_of_a_teller(lobby: Lobby) -> dict[str, Work]:
    """Take a ticket at the end of the line; call who is first, and serve them."""
    works = {}
    with counted(lobby.storage) as works["take"]:
        lobby.take()
    with counted(lobby.storage) as works["call"]:
        plain = lobby.next()
    assert plain is not None
    with counted(lobby.storage) as works["start"]:
        lobby.do("start", plain.ticket_id)
    with counted(lobby.storage) as works["complete"]:
        lobby.do("complete", plain.ticket_id)
    return works


def test_two_thousand_who_wait_cost_a_call_no_more_than_twenty(lobby: Lobby) -> None:
    lobby.open()
    crowd(lobby, 0, FEW, since_s=MANY * APART_S)
    day_of_a_teller(lobby)  # the first one begins the channel's history
    few = day_of_a_teller(lobby)
    crowd(lobby, FEW, MANY, since_s=MANY * APART_S)
    day_of_a_teller(lobby)  # the first one reads who stands there
    many = day_of_a_teller(lobby)
    for what, work in few.items():
        assert_alike(work, many[what])


def test_a_branch_that_is_known_reads_nothing_but_its_logs_head(lobby: Lobby) -> None:
    lobby.open()
    lobby.wait()
    with counted(lobby.storage) as take:
        taken = lobby.take()
    with counted(lobby.storage) as wait:
        lobby.do("printed", taken.ticket_id)
    with counted(lobby.storage) as call:
        lobby.next()
    assert (take.reads, take.statements) == (1, 7)
    assert (wait.reads, wait.statements) == (1, 6)
    assert (call.reads, call.statements) == (1, 8)


def test_the_first_of_a_line_is_found_without_sorting_it(lobby: Lobby) -> None:
    lobby.open()
    crowd(lobby, 0, MANY, since_s=MANY * APART_S)
    statement = line.ends((False, True))
    given = {"of_branch": BRANCH, "line0": "counter", "line1": "counter", "business1": "transfer"}
    plan: list[str] = []
    with lobby.storage.read() as connection:
        explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "

        def ask(_connection: Any, cursor: Any, text: str, values: Any, *_rest: Any) -> None:
            cursor.execute(explain + text, values)
            plan.extend(str(row) for row in cursor.fetchall())

        sql_event.listen(connection, "before_cursor_execute", ask)
        connection.execute(statement, given).all()
    text = "\n".join(plan)
    assert "ticket_rank" in text
    assert "ticket_business_lined" in text
    assert "Sort" not in text
    assert "TEMP B-TREE" not in text


def test_who_is_called_ahead_costs_what_they_overtake_and_not_the_line(lobby: Lobby) -> None:
    lobby.open("1", "green", "counter")
    first_green = lobby.wait(customer={"urgent": True})
    lobby.next()
    lobby.serve(first_green.ticket_id, 0)  # the channel has a history from here on
    works, overtaken = [], []
    for first, last in ((0, FEW), (FEW, MANY)):
        crowd(lobby, first, last, since_s=5 * APART_S)
        green = lobby.wait(customer={"urgent": True})
        with counted(lobby.storage) as work:
            called = lobby.next()
        assert called is not None
        assert called.ticket_id == green.ticket_id
        data = lobby.events(green.visit_id)[-1].data
        assert isinstance(data, triage.TicketCalled)
        overtaken.append(len(data.overtakes))
        lobby.serve(green.ticket_id, 0)
        works.append(work)
    assert overtaken == [5, 5]
    assert_alike(*works)


def test_a_look_at_the_clock_finds_nothing_where_nothing_is_due(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    crowd(lobby, 0, 300, since_s=0)
    lobby.watch()
    assert due(lobby) == 0
    clock.advance(1)
    assert due(lobby) == 0
    lobby.wait()
    assert due(lobby) == 1, "one line has changed"


def due(lobby: Lobby) -> int:
    """Return how much a look at the clock would take up now."""
    with lobby.storage.read() as connection:
        found = (
            Due(connection).alarms_due(lobby.clock.now(), 200),
            Due(connection).lines_due(lobby.clock.now(), 200),
        )
    return sum(len(names) for by_branch in found for names in by_branch.values())


def assert_alike(few: Work, many: Work) -> None:
    """The same statements and rows; the depth of an index may cost a few steps more."""
    assert few.rows or few.steps
    assert (many.statements, many.rows) == (few.statements, few.rows)
    assert many.steps <= 1.2 * few.steps + 50
