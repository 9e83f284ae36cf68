"""A crowded branch calls as fast as an empty one: counted, not timed (T7, T12)."""

from dataclasses import replace
from datetime import timedelta

from shared.clock import ManualClock
from shared.contracts.events import triage
from tests.triage.counted import Work, counted
from tests.triage.lobby import BRANCH, Lobby

APART_S = 60.0
FEW, MANY = 20, 2000


def crowd(lobby: Lobby, first: int, last: int, *, since_s: float) -> None:
    """Let tickets wait, a minute after one another from ``since_s`` ago: by events like those of one that was taken."""
    taken = lobby.wait()
    issued, printed = (event.data for event in lobby.events(taken.visit_id))
    assert isinstance(issued, triage.TicketIssued)
    assert isinstance(printed, triage.TicketPrinted)
    with lobby.storage.transaction(BRANCH) as tx:
        for n in range(first, last):
            at = issued.requested_at - timedelta(seconds=since_s - APART_S * n)
            visit, of = f"visit-{n}", {"visit_id": f"visit-{n}", "ticket_id": f"ticket-{n}", "number": f"X{n}"}
            tx.append(BRANCH, visit, replace(issued, **of, requested_at=at), correlation=visit, sequence=1, time=at)
            tx.append(BRANCH, visit, replace(printed, **of), correlation=visit, sequence=2, time=at)


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
    day_of_a_teller(lobby)
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
    # The head; the log, the head (PostgreSQL takes both at once) and what is due; a new ticket's look-up.
    plain = 4 if lobby.storage.engine.dialect.name == "sqlite" else 3
    assert (take.reads, take.statements) == (1, plain + 1)
    assert (wait.reads, wait.statements) == (1, plain)
    assert (call.reads, call.statements) == (1, plain)


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
    assert due(lobby) == []
    clock.advance(1)
    assert due(lobby) == []
    lobby.wait()
    assert due(lobby) == [BRANCH], "a line has changed"


def due(lobby: Lobby) -> list[str]:
    """Return the branches that a look at the clock would take up now."""
    return lobby.storage.branches_due(limit=200)


def assert_alike(few: Work, many: Work) -> None:
    """The same statements and rows, and about as many calls; the depth of an index may cost a few steps more."""
    assert few.rows or few.steps
    assert (many.statements, many.rows) == (few.statements, few.rows)
    assert many.steps <= 1.2 * few.steps + 50
    assert many.calls <= 1.2 * few.calls
