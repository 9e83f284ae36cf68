"""What is kept of a promise ends with the wait, however it ends (T9)."""

import pytest

from shared.contracts.events import terminal
from tests.triage.lobby import Lobby
from tests.triage.test_day_end import end_days, to_quiet_night


def kept(lobby: Lobby) -> int:
    """Return how many promises are kept."""
    return len(lobby.state().quotes)


@pytest.mark.parametrize("told_by", ["a call", "an event"])
def test_nothing_is_kept_of_what_one_who_left_was_promised(lobby: Lobby, told_by: str) -> None:
    lobby.open()
    taken = lobby.wait()
    assert kept(lobby) == 1
    if told_by == "a call":
        lobby.do("left", taken.ticket_id)
    else:
        lobby.receive(terminal.TicketLeft(ticket_id=taken.ticket_id))
    assert kept(lobby) == 0


def test_what_was_promised_to_who_never_was_called_is_forgotten_with_the_day(lobby: Lobby) -> None:
    lobby.wait()
    assert kept(lobby) == 1
    to_quiet_night(lobby)
    end_days(lobby)
    assert kept(lobby) == 0
