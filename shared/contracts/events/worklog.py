"""What worklog records: checks, notes, and the closing of the day's log (W1, W3, W7, W8)."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import Id, Text
from shared.contracts.envelope import EventData
from shared.contracts.registry import event

CheckKind = Literal["opening", "closing", "inspection"]
CheckItem = Literal[
    "counters_and_pens", "forms_and_slips", "queue_terminal", "self_service_devices", "displays", "phone_bank_line",
    "posters_racks_leaflets", "water_cups_seats", "fire_equipment", "notices_up_to_date", "displays_off",
    "water_dispensers_off",
]  # fmt: skip
NoteKind = Literal["summary", "key_customers", "market_dynamics", "other"]


@dataclass(frozen=True, kw_only=True)
class CheckResult(EventData):
    """One item of a check (W1): in order, or what was found."""

    item: CheckItem
    ok: bool
    finding: Annotated[str | None, Field(max_length=1000)] = None


@dataclass(frozen=True, kw_only=True)
class _OfDay(EventData):
    business_date: Annotated[date, Field(description="The branch's local day that the log is of.")]


@event("lobby.worklog.checks_recorded.v1")
@dataclass(frozen=True, kw_only=True)
class ChecksRecorded(_OfDay):
    """The lobby manager went through a checklist (W1-W3)."""

    check_id: Id
    kind: CheckKind
    results: tuple[CheckResult, ...]
    by: Annotated[Id, Field(description="Whose token it was.")]


@event("lobby.worklog.note_added.v1")
@dataclass(frozen=True, kw_only=True)
class NoteAdded(_OfDay):
    """A part of the log that only a person can write (W7)."""

    note_id: Id
    kind: NoteKind
    text: Text
    by: Annotated[Id, Field(description="Whose token it was.")]


@event("lobby.worklog.day_closed.v1")
@dataclass(frozen=True, kw_only=True)
class DayClosed(_OfDay):
    """The log is signed and read-only (W8)."""

    by: Annotated[Id, Field(description="Who signs.")]
    visits: Annotated[int, Field(ge=0, description="The day's, each of which has ended.")]
    served: Annotated[int, Field(ge=0, description="Of these, those that ended served.")]
    left: Annotated[int, Field(ge=0, description="Of these, those that ended without.")]
    journal_hash: Annotated[
        str | None, Field(description="The last link of the day's journal; null: the day has no event.")
    ] = None


DayEvent = ChecksRecorded | NoteAdded | DayClosed
