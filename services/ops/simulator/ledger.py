"""What was asked for, counted as the answers came: by branch and business day, and for the whole run."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Day = tuple[str, str]
"""A branch and one of its business dates, as ISO text."""

Figure = Literal["visits", "served", "left", "vip_handoffs", "incidents_opened", "incidents_closed", "checks", "notes"]
FIGURES: tuple[Figure, ...] = (
    "visits", "served", "left", "vip_handoffs", "incidents_opened", "incidents_closed", "checks", "notes",
)  # fmt: skip


@dataclass(kw_only=True)
class Ledger:
    """The run's books.

    ``days`` is what each day's work log must have gained, whoever's visit it was; the totals are of
    this run's own rows.
    """

    days: dict[Day, Counter[Figure]] = field(default_factory=dict)
    by_channel: Counter[str] = field(default_factory=Counter)
    requested: int = 0
    visits: int = 0
    served: int = 0
    left: int = 0
    vip_handoffs: int = 0
    incidents: int = 0
    foreign: int = 0
    refused: int = 0
    visit_ids: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def day(self, branch: str, figure: Figure, business_date: str) -> None:
        """Book one on a day."""
        self.days.setdefault((branch, business_date), Counter())[figure] += 1

    def issued(self, branch: str, visit_id: str, channel: str, business_date: str) -> None:
        """Book a visit that began; a visit id that was given before is a problem."""
        if visit_id in self.visit_ids:
            self.problems.append(f"{branch}: two requests were answered with the same visit {visit_id}")
        self.visit_ids.add(visit_id)
        self.visits += 1
        self.by_channel[channel] += 1
        self.day(branch, "visits", business_date)

    def ended(self, branch: str, outcome: Literal["served", "left"], business_date: str, *, own: bool) -> None:
        """Book the end of a visit: one of this run's, or one that waited before it began."""
        self.day(branch, outcome, business_date)
        if not own:
            self.foreign += 1
        elif outcome == "served":
            self.served += 1
        else:
            self.left += 1

    def handed_off(self, branch: str, business_date: str, *, own: bool) -> None:
        """Book a hand-off that a manager completed."""
        self.day(branch, "vip_handoffs", business_date)
        self.vip_handoffs += own
