"""What can happen to a day's log, named and shaped like the contracts in ``shared.contracts.worklog``."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

CheckKind = Literal["opening", "closing", "inspection"]
NoteKind = Literal["summary", "key_customers", "market_dynamics", "other"]
CheckItem = Literal[
    "counters_and_pens", "forms_and_slips", "queue_terminal", "self_service_devices", "displays", "phone_bank_line",
    "posters_racks_leaflets", "water_cups_seats", "fire_equipment", "notices_up_to_date", "displays_off",
    "water_dispensers_off",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """One item of a check: in order, or what was found."""

    item: CheckItem
    ok: bool
    finding: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChecksRecorded:
    """The lobby manager went through a checklist (W1-W3)."""

    business_date: date
    check_id: str
    kind: CheckKind
    results: tuple[CheckResult, ...]
    by: str


@dataclass(frozen=True, kw_only=True)
class NoteAdded:
    """A part of the log that only a person can write (W7)."""

    business_date: date
    note_id: str
    kind: NoteKind
    text: str
    by: str


@dataclass(frozen=True, kw_only=True)
class DayClosed:
    """The log is signed and read-only (W8)."""

    business_date: date
    by: str
    visits: int
    served: int
    left: int
    journal_hash: str | None


Happening = ChecksRecorded | NoteAdded | DayClosed
