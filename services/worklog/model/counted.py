"""What is counted of a journal: the days' figures, and the visits that are in them (W7). Pure.

It is a fold of the journal: ``Counted() → apply(counted, branch, day, fact) → Counted``. A fact touches one day and
one visit, so who has a few facts to count needs no more than theirs of what was counted before.
"""

from dataclasses import dataclass, field
from datetime import date

from immutables import Map

from services.worklog.model import facts
from services.worklog.model.facts import Fact
from services.worklog.model.figures import Figures, Visit, count

DayKey = tuple[str, date]
"""A branch and one of its days."""
VisitKey = tuple[str, str]
"""A branch and the id of one of its visits."""


@dataclass(frozen=True, kw_only=True)
class Counted:
    """The figures of some days, or of all, with the visits that are counted in them."""

    figures: Map[DayKey, Figures] = field(default_factory=Map)
    visits: Map[VisitKey, Visit] = field(default_factory=Map)


def apply(counted: Counted, branch: str, day: date, fact: Fact) -> Counted:
    """Return what is counted after one more fact of a day. Raises VisitNotBegun."""
    key = branch, day
    visit_key = visit_of(branch, fact)
    visit = None if visit_key is None else counted.visits.get(visit_key)
    figures, visit = count(counted.figures.get(key, Figures()), fact, visit)
    visits = counted.visits
    if visit_key is not None and visit is not None:
        visits = visits.set(visit_key, visit)
    return Counted(figures=counted.figures.set(key, figures), visits=visits)


def visit_of(branch: str, fact: Fact) -> VisitKey | None:
    """Return the visit whose record is needed to count the fact."""
    return (branch, fact.visit_id) if isinstance(fact, facts.VisitBegan | facts.VisitEnded) else None
