"""What callers of worklog can do wrong, and what the journal does not take: stable codes below the common tree."""

from shared.errors import Conflict


class DayClosed(Conflict):
    """The log is signed, so it is read-only (W8)."""

    code = "day_closed"


class DayNotBegun(Conflict):
    """Nobody writes or signs the log of a day that is still to come."""

    code = "day_not_begun"


class VisitsInProgress(Conflict):
    """A log is signed when every visit has its end; ``in_progress`` says how many have none (W8)."""

    code = "visits_in_progress"


class SubjectForked(Exception):
    """Two different events claim the same place in a subject's history: the journal takes only the first (W10)."""
