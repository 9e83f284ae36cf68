"""How triage folds its log, and what a snapshot of a branch looks like."""

from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from immutables import Map
from pydantic import TypeAdapter

from services.triage.handlers.timers import next_look
from services.triage.model import Appointment, Block, Counter, Device, LobbyState, PaperReport, Visit
from services.triage.model.fold import Recorded, apply
from services.triage.model.lobby_state import Document, LedgerEntry, PolicyInForce, Thresholds
from services.triage.model.waiting_queue import Passing, QueueEntry, WaitingLine, WaitingQueue
from services.triage.policy import Estimator, Policy, Quote
from services.triage.policy_file import policy_of
from shared.contracts.envelope import Event
from shared.settings import Settings


@dataclass(frozen=True, kw_only=True)
class _Policy:
    version: int
    digest: str
    source: str
    since: datetime
    overrides: Document
    document: Document


@dataclass(frozen=True, kw_only=True)
class _Snapshot:
    """A state as JSON: every map as a list of pairs, in the order of the keys; what a policy says is read anew."""

    recorded: datetime | None
    newest_day: date | None
    in_force: _Policy | None
    visits: list[tuple[str, Visit]]
    touched: list[tuple[str, datetime]]
    touched_on: list[tuple[date, datetime]]
    entries: list[tuple[str, QueueEntry]]
    lines: list[tuple[str, WaitingLine]]
    calls: list[tuple[str, tuple[tuple[str, Passing], ...]]]
    ledger: list[tuple[tuple[str, str | None, int], LedgerEntry]]
    counter_of: list[tuple[str, str]]
    counter_states: list[tuple[str, Counter]]
    device_states: list[tuple[str, Device]]
    appointments: list[tuple[str, Appointment]]
    blocks: list[tuple[str, Block]]
    numbers: list[tuple[tuple[date, str], int]]
    reports: list[tuple[tuple[date, str], tuple[PaperReport, ...]]]
    vip_credits: list[tuple[str, float]]
    estimators: list[tuple[str, Estimator]]
    quotes: list[tuple[str, Quote]]
    expires: list[tuple[str, datetime]]
    of_customer: list[tuple[str, tuple[str, ...]]]
    thresholds: list[tuple[str, Thresholds]]
    alarms: tuple[tuple[float, str], ...]


_SNAPSHOT: TypeAdapter[_Snapshot] = TypeAdapter(_Snapshot)
_OF_QUEUE = frozenset(("entries", "lines", "calls"))
_PLAIN = frozenset(("recorded", "newest_day", "alarms"))
_MAPS = tuple(one.name for one in fields(_Snapshot) if one.name not in _PLAIN | _OF_QUEUE | {"in_force"})


class LobbyAggregate:
    """A branch's lobby as the fold of triage's log."""

    version = 1

    def __init__(self, settings: Settings) -> None:
        """``settings`` name the time zone, and how much silence says something."""
        self._zone: tzinfo = settings.default_timezone
        self._silence = timedelta(seconds=settings.silence_s * settings.business_clock.rate)

    def initial(self, branch: str) -> LobbyState:
        """Return the state before the first event."""
        return LobbyState(branch=branch)

    def apply(self, state: LobbyState, event: Event) -> LobbyState:
        """Return the state after an event."""
        recorded = Recorded(
            data=event.data, subject=event.subject, sequence=event.sequence, at=event.time,
            recorded_at=event.recordedtime,
        )  # fmt: skip
        return apply(state, recorded, read_policy)

    def held(self, state: LobbyState) -> int:
        """Return how many visits and entries the state holds; an entry is an eighth of a visit."""
        return len(state.visits) + (len(state.queue.entries) + len(state.ledger) + len(state.appointments)) // 8

    def due(self, before: LobbyState, after: LobbyState) -> datetime | None:
        """Return when the clock alone may change something next."""
        return next_look(before, after, self._zone, self._silence)

    def dump(self, state: LobbyState) -> bytes:
        """Return the state as JSON."""
        given: dict[str, Any] = {name: _pairs(getattr(state.queue, name)) for name in _OF_QUEUE}
        given |= {name: _pairs(getattr(state, name)) for name in _MAPS}
        given |= {name: getattr(state, name) for name in _PLAIN}
        of_policy: _Policy | None = None
        if state.in_force is not None:
            of_policy = _Policy(**{one.name: getattr(state.in_force, one.name) for one in fields(_Policy)})
        return _SNAPSHOT.dump_json(_Snapshot(in_force=of_policy, **given))

    def load(self, branch: str, body: bytes) -> LobbyState:
        """Return the state that :meth:`dump` wrote."""
        read = _SNAPSHOT.validate_json(body)
        given: dict[str, Any] = {name: Map(getattr(read, name)) for name in _MAPS}
        given |= {name: getattr(read, name) for name in _PLAIN}
        queue = WaitingQueue(**{name: Map(getattr(read, name)) for name in _OF_QUEUE})
        in_force = None
        if read.in_force is not None:
            of_policy = {one.name: getattr(read.in_force, one.name) for one in fields(_Policy)}
            in_force = PolicyInForce(**of_policy, policy=read_policy(read.in_force.document))
        return LobbyState(branch=branch, queue=queue, in_force=in_force, **given)


def _pairs(things: Map[Any, Any]) -> list[tuple[Any, Any]]:
    return sorted(things.items(), key=lambda pair: _sortable(pair[0]))


def _sortable(key: Any) -> Any:
    return tuple("" if part is None else part for part in key) if isinstance(key, tuple) else key


def read_policy(document: Document) -> Policy:
    """Return the policy that a recorded document describes."""
    return policy_of(document)
