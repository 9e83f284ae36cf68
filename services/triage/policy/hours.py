"""When a branch is open: by weekday, and on days that have hours of their own (T4)."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from services.triage.policy.rules import Policy, Weekday

WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOK_AHEAD_DAYS = 14
"""How far ahead the next opening is looked for."""


def is_open(policy: Policy, local: datetime) -> bool:
    """Whether the branch is open at a time of its own time zone."""
    return any(opens <= local < closes for opens, closes in spans(policy, local))


def opens_next(policy: Policy, local: datetime) -> datetime | None:
    """Return when it opens next after a time at which it is closed; None where no opening is near."""
    for days in range(LOOK_AHEAD_DAYS + 1):
        for opens, _ in spans(policy, local + timedelta(days=days)):
            if opens > local:
                return opens
    return None


def spans(policy: Policy, local: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Return from when to when the branch is open on the day of ``local``."""
    day = local.date()
    hours = policy.special_days.get(day.isoformat(), policy.opening_hours.get(WEEKDAYS[day.weekday()], ()))
    midnight = datetime.combine(day, time(), local.tzinfo)
    for span in hours:
        opens, closes = (midnight + _since_midnight(text) for text in span.split("-"))
        yield opens, closes


def _since_midnight(text: str) -> timedelta:
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))
