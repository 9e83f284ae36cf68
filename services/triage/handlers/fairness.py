"""The fairness ledger, as the branch reads it (T12)."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from services.triage.handlers.unit_of_work import LobbyReader
from services.triage.model import LobbyState
from services.triage.model.fold import LEDGER_DAYS
from services.triage.model.lobby_state import LedgerEntry
from services.triage.model.waiting_queue import QueueEntry
from shared.contracts.http.fairness import FairnessView, OvertakenView, OvertakingView, RuleView

LISTED_LIMIT, OVERTAKEN_LIMIT = 200, 20


def fairness_view(lobby: LobbyReader, *, day: date | None) -> FairnessView:
    """Return a day's ledger; today's where no day is named."""
    day, cap = day or lobby.today, lobby.policy.max_overtakes
    state = lobby.state_of_day(day, LEDGER_DAYS)
    entries = [entry for entry in state.queue.entries.values() if entry.business_date == day]
    times = {entry.ticket_id: state.queue.times(entry.ticket_id) for entry in entries}
    overtaken = [count for count in times.values() if count > 0]
    capped = sum(count >= cap for count in overtaken)
    ledger = sorted(_of_day(state, day), key=lambda entry: (entry.at, entry.seq), reverse=True)
    return FairnessView(
        branch=lobby.branch,
        business_date=day,
        cap=cap,
        tickets=len(times),
        overtaken=len(overtaken),
        capped=capped,
        capped_share=round(capped / len(overtaken), 4) if overtaken else 0.0,
        beyond_cap=sum(count > cap for count in overtaken),
        overtakings=sum(overtaken),
        most_times=max(overtaken, default=0),
        by_rule=_by_rule(ledger),
        most_overtaken=_most_overtaken(state, entries, times, ledger),
        ledger=tuple(_overtaking(entry) for entry in ledger[:LISTED_LIMIT]),
    )


def _of_day(state: LobbyState, day: date) -> list[LedgerEntry]:
    return [entry for entry in state.ledger.values() if entry.business_date == day]


def _by_rule(ledger: Sequence[LedgerEntry]) -> tuple[RuleView, ...]:
    """Return each rule with how many calls it let go first, and how many those overtook."""
    rules: defaultdict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in ledger:
        rules[entry.reason.rule].append(entry)
    return tuple(
        RuleView(
            reason=entries[0].reason,
            calls=len({entry.ticket_id for entry in entries}),
            whom=sum(entry.whom for entry in entries),
        )
        for _, entries in sorted(rules.items())
    )


def _most_overtaken(
    state: LobbyState, entries: Sequence[QueueEntry], times: dict[str, int], ledger: Sequence[LedgerEntry]
) -> tuple[OvertakenView, ...]:
    """Return who was overtaken most, with the calls that did so at the last place in the line."""
    overtaken = [entry for entry in entries if times[entry.ticket_id] > 0]
    overtaken.sort(key=lambda entry: (-times[entry.ticket_id], entry.lined, entry.ticket_id))
    return tuple(
        OvertakenView(
            ticket_id=entry.ticket_id,
            number=entry.number,
            channel=entry.channel,
            state=entry.state,
            times=times[entry.ticket_id],
            by=tuple(_overtaking(call) for call in reversed(ledger) if _has_overtaken(call, entry)),
        )
        for entry in overtaken[:OVERTAKEN_LIMIT]
    )


def _has_overtaken(call: LedgerEntry, entry: QueueEntry) -> bool:
    here = call.counts and call.line == entry.line and call.business in (None, entry.business)
    then = call.seq > entry.joined and (entry.stands or call.seq <= entry.counted_to)
    return here and then and call.lined > entry.lined


def _overtaking(entry: LedgerEntry) -> OvertakingView:
    return OvertakingView.model_validate(entry, from_attributes=True)
