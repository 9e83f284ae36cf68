"""What worklog knows of a branch: the days that people still write into, as the fold of worklog's own log. Pure.

A day is here from its first event until it is signed, or until so many newer days have begun that nobody is
expected to write into it. Whoever asks for another day folds it from the log, by its subject.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from immutables import Map

from services.worklog.model.day import Day
from services.worklog.model.day import apply as apply_to_day
from shared.contracts.events.worklog import DayEvent

KEPT = timedelta(days=14)
"""How far behind the newest day a day may be and still be here: else unsigned days would add up for ever."""


@dataclass(frozen=True, kw_only=True)
class LobbyState:
    """A branch's days that are not signed. ``newest`` is the latest one that was written into, signed or not."""

    branch: str
    newest: date | None = None
    days: Map[date, Day] = field(default_factory=Map)


def apply(state: LobbyState, event: DayEvent, *, sequence: int, at: datetime) -> LobbyState:
    """Return the open days after an event of one of them."""
    of = event.business_date
    day = state.days.get(of)
    if day is None and sequence > 1:  # a day that is here no more
        return state
    day = apply_to_day(day or Day(branch=state.branch, business_date=of), event, at=at)
    newest = max(state.newest or of, of)
    days = state.days.set(of, day)
    for old in [one for one in days if days[one].signature is not None or newest - one >= KEPT]:
        days = days.delete(old)
    return replace(state, newest=newest, days=days)
