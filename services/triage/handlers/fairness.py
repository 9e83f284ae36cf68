"""The fairness ledger, as the branch reads it (T12)."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from services.triage.handlers.house import House
from services.triage.policy.ledger import Entry, Sufferer, Totals
from shared.contracts.events.types import Reason
from shared.contracts.http.fairness import FairnessView, OvertakenView, OvertakingView, RuleView

MOST_LISTED, MOST_OVERTAKEN = 200, 20


class Ledger(Protocol):
    """What is read of the ledger."""

    def totals(self, branch: str, day: date, cap: int) -> Totals:
        """Return the day's sums."""
        ...

    def rules(self, branch: str, day: date) -> Sequence[tuple[Reason, int, int]]:
        """Return each rule with how many calls it let go first, and how many those overtook."""
        ...

    def newest(self, branch: str, day: date, most: int) -> Sequence[Entry]:
        """Return the newest calls that overtook somebody."""
        ...

    def most_overtaken(self, branch: str, day: date, most: int) -> Sequence[Sufferer]:
        """Return who was overtaken most, with the calls that did."""
        ...


def fairness_view(ledger: Ledger, house: House, *, branch: str, day: date | None, now: datetime) -> FairnessView:
    """Return a day's ledger; today's where no day is named."""
    day, cap = day or now.astimezone(house.zone).date(), house.policy.max_overtakes
    totals = ledger.totals(branch, day, cap)
    return FairnessView(
        branch=branch,
        business_date=day,
        cap=cap,
        tickets=totals.tickets,
        overtaken=totals.overtaken,
        capped=totals.capped,
        capped_share=round(totals.capped / totals.overtaken, 4) if totals.overtaken else 0.0,
        beyond_cap=totals.beyond,
        overtakings=totals.overtakings,
        most_times=totals.most,
        by_rule=tuple(
            RuleView(reason=reason, calls=calls, whom=whom) for reason, calls, whom in ledger.rules(branch, day)
        ),
        most_overtaken=tuple(_overtaken(one) for one in ledger.most_overtaken(branch, day, MOST_OVERTAKEN)),
        ledger=tuple(_overtaking(entry) for entry in ledger.newest(branch, day, MOST_LISTED)),
    )


def _overtaking(entry: Entry) -> OvertakingView:
    return OvertakingView.model_validate(entry, from_attributes=True)


def _overtaken(one: Sufferer) -> OvertakenView:
    return OvertakenView.model_validate(one, from_attributes=True)
