"""What a process remembers of how often somebody was overtaken is what the tables count (T12)."""

from datetime import timedelta

import pytest

from shared.clock import ManualClock
from shared.storage import Storage
from tests.triage.floors import remembers_the_counts
from tests.triage.lobby import BRANCH, Lobby

ENGLISH = "account_service_en"


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> str:
    assert isinstance(request.param, str)
    return request.param


def agree(lobby: Lobby, *, known: bool = True) -> None:
    """Compare; some count is ``known``, or it is left to the tables."""
    assert isinstance(lobby.storage, Storage)
    with lobby.storage.transaction(BRANCH) as tx:
        assert remembers_the_counts(tx) == known


def wait(
    lobby: Lobby, clock: ManualClock, business: str = "account_service", *, late_s: float = 0, **who: object
) -> str:
    """Let somebody wait since ``late_s`` ago; the next one comes ten seconds later."""
    asked = (clock.now() - timedelta(seconds=late_s)).isoformat()
    ticket_id = lobby.wait(business, customer=who, requested_at=asked).ticket_id
    clock.advance(10)
    return ticket_id


def serve_first(lobby: Lobby, counter: str = "1") -> str:
    called = lobby.next(counter)
    assert called is not None
    lobby.serve(called.ticket_id)
    return called.ticket_id


def test_a_place_before_a_call_that_was_taken_after_it_was_not_overtaken(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    wait(lobby, clock)
    old = wait(lobby, clock, age=80)
    wait(lobby, clock)
    assert serve_first(lobby) == old
    agree(lobby)
    wait(lobby, clock, late_s=85)
    agree(lobby)


def test_who_missed_the_call_begins_anew_at_the_end_and_goes_back_with_the_count(
    lobby: Lobby, clock: ManualClock
) -> None:
    lobby.open()
    plain = wait(lobby, clock)
    wait(lobby, clock)
    wait(lobby, clock, age=80)
    serve_first(lobby)
    assert (called := lobby.next()) is not None
    assert called.ticket_id == plain
    lobby.do("no_show", plain)
    agree(lobby)
    lobby.do("come_back", plain)
    agree(lobby)


def test_whoever_stands_before_one_who_comes_back_is_shielded(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    plain = wait(lobby, clock)
    wait(lobby, clock, age=80)
    serve_first(lobby)
    lobby.call(ticket_id=plain)
    wait(lobby, clock, late_s=120)
    agree(lobby)
    lobby.undo(plain)
    agree(lobby, known=False)
    wait(lobby, clock)
    agree(lobby)


def test_a_call_for_a_skill_overtakes_those_who_want_it(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    lobby.open_for("7", [ENGLISH], "counter", "green")
    wait(lobby, clock)
    wait(lobby, clock, ENGLISH)
    urgent = wait(lobby, clock, ENGLISH, age=80)
    assert serve_first(lobby, "7") == urgent
    agree(lobby)
