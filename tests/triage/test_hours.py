"""When a branch is open, and what becomes of who asks when it isn't (T4)."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from services.triage.errors import BranchClosed
from services.triage.policy import Policy, is_open, opens_next
from shared.clock import ManualClock
from shared.contracts.events import terminal, triage
from shared.storage import Storage
from tests.triage.lobby import Lobby

SHANGHAI = ZoneInfo("Asia/Shanghai")
OPENING_HOURS: dict[str, tuple[str, ...]] = {
    "mon": (), "tue": ("09:00-12:00", "13:30-17:00"), "wed": (), "thu": (), "fri": ("22:00-24:00",), "sat": (),
    "sun": (),
}  # fmt: skip
SPECIAL_DAYS: dict[str, tuple[str, ...]] = {"2026-11-24": ("10:00-11:00",), "2026-12-01": ()}
POLICY = Policy(opening_hours=OPENING_HOURS, special_days=SPECIAL_DAYS)
FILE: dict[str, object] = {"opening_hours": OPENING_HOURS, "special_days": SPECIAL_DAYS}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("when", "open_", "opens"),
    [
        ("2026-11-17 08:59", False, "2026-11-17 09:00"),
        ("2026-11-17 09:00", True, None),
        ("2026-11-17 12:00", False, "2026-11-17 13:30"),
        ("2026-11-17 16:59", True, None),
        ("2026-11-17 17:00", False, "2026-11-20 22:00"),
        ("2026-11-20 23:59", True, None),
        ("2026-11-24 09:30", False, "2026-11-24 10:00"),  # a day of its own
        ("2026-11-24 10:30", True, None),
        ("2026-11-28 10:00", False, "2026-12-04 22:00"),  # the Tuesday between is a holiday
    ],
)
def test_hours_by_weekday_and_by_date(when: str, open_: bool, opens: str | None) -> None:
    assert is_open(POLICY, at(when)) is open_
    if opens is not None:
        assert opens_next(POLICY, at(when)) == at(opens)


def test_a_branch_that_never_opens_has_no_next_opening() -> None:
    assert opens_next(Policy(opening_hours={}), at("2026-11-17 08:59")) is None


def test_who_asks_while_the_branch_is_closed_is_told_when_it_opens(storage: Storage, clock: ManualClock) -> None:
    lobby = Lobby(storage, clock, outside_hours="refuse", **FILE)  # it is nine o'clock on the 24th, which opens at ten
    with pytest.raises(BranchClosed) as caught:
        lobby.take()
    assert caught.value.extra["opens_at"] == "2026-11-24T10:00:00+08:00"
    lobby.receive(terminal.TicketRequested(business="transfer", terminal_id="k1"))
    refused = lobby.events()[-1].data
    assert isinstance(refused, triage.TicketRefused)
    assert refused.code == "branch_closed"
    clock.advance(3600)
    assert lobby.take().number == "A001"


def test_a_branch_that_accepts_outside_its_hours_does(storage: Storage, clock: ManualClock) -> None:
    assert Lobby(storage, clock, outside_hours="accept", **FILE).take().number == "A001"
