"""The calls that worklog serves."""

from datetime import date
from typing import Literal

from pydantic import Field

from shared.contracts.base import Body, GivenTime, Id, Seconds, Text, Time, View
from shared.contracts.events.incidents import IncidentKind
from shared.contracts.events.triage import Channel
from shared.contracts.events.worklog import CheckKind, CheckResult, NoteKind
from shared.contracts.http.operation import Operation


class RecordChecks(Body):
    """A checklist, gone through (W1-W3)."""

    kind: CheckKind
    results: tuple[CheckResult, ...] = Field(min_length=1)


class AddNote(Body):
    """A part of the log that only a person can write (W7)."""

    kind: NoteKind = "summary"
    text: Text


class ChannelFigures(View):
    """One channel's day."""

    channel: Channel
    visits: int
    served: int
    left: int
    mean_wait_s: Seconds
    max_wait_s: Seconds


class IncidentFigures(View):
    """One kind of incident's day."""

    kind: IncidentKind
    opened: int
    closed: int


class DiversionFigures(View):
    """What became of the guidance to devices, for one business (T3)."""

    business: str
    offered: int
    accepted: int = Field(description="Of those, who went to a device.")
    declined: int
    completed: int = Field(description="Done at a device.")
    fell_back: int = Field(description="Came back to the counter.")


class CheckView(View):
    """A check that was made."""

    check_id: Id
    kind: CheckKind
    results: tuple[CheckResult, ...]
    by: str
    at: Time


class NoteView(View):
    """A note of the lobby manager."""

    note_id: Id
    kind: NoteKind
    text: str
    by: str
    at: Time


class InexactView(View):
    """Why some figures are inexact: how many visits, which figures they touch, and the same in words."""

    why: Literal["offline", "late", "day_end"]
    visits: int
    figures: tuple[str, ...]
    zh: str
    en: str


class WorklogView(View):
    """The lobby manager's log of a branch's day (大堂经理工作日志), written by the events (W7)."""

    branch: str
    business_date: date
    state: Literal["open", "closed"]
    visits: int = Field(description="Visits that began on this day.")
    served: int
    left: int
    in_progress: int = Field(description="visits - served - left")
    no_shows: int
    mean_wait_s: Seconds
    max_wait_s: Seconds
    promises: int = Field(description="Calls of tickets that were promised a wait.")
    promises_kept: int = Field(description="Of those, the calls that came within the p90 that was quoted (T9).")
    diverted: int = Field(description="Visits whose first channel was not a window: self-service, phone, online.")
    diversions: tuple[DiversionFigures, ...] = ()
    channels: tuple[ChannelFigures, ...]
    vip_arrivals: int
    vip_handoffs: int = Field(description="Hand-offs that a manager completed (V3).")
    incidents: tuple[IncidentFigures, ...]
    checks: tuple[CheckView, ...]
    notes: tuple[NoteView, ...]
    inexact: bool = Field(default=False, description="Whether events that came late, or never, touch figures.")
    inexact_because: tuple[InexactView, ...] = ()
    managers_on_duty: int
    counters_opened: int
    signed_by: str | None = None
    signed_at: Time | None = None
    events: int = Field(description="Events of the journal that this day rests on (W10).")
    journal_hash: str | None = Field(description="The last link of the day's chain.")


class LanguageQuery(Body):
    """The language of the exported log."""

    lang: Literal["zh-CN", "en"] = "zh-CN"


class JournalQuery(Body):
    """Which events of the journal."""

    branch: str
    from_: GivenTime | None = Field(default=None, alias="from")
    to: GivenTime | None = None
    type: str | None = Field(default=None, description="A type, or its beginning followed by *.")
    subject: str | None = None
    after: int = Field(default=0, ge=0, le=2**53, description="The journal position to read on from.")
    limit: int = Field(default=200, ge=1, le=1000)


class JournalEntry(View):
    """One event of the journal, with its link of the chain."""

    position: int
    hash: str
    event: dict[str, object]


class JournalPage(View):
    """Events of the journal, in order."""

    entries: tuple[JournalEntry, ...]
    next_after: int | None


class VerifyQuery(Body):
    """What to verify; everything that the token covers by default."""

    branch: str | None = None


class VerifyView(View):
    """Whether the journal is what it was when it was written (W10)."""

    ok: bool
    chains: int
    events: int
    broken: tuple[str, ...] = Field(description="Where a chain does not hold: branch, day, position, why.")


DAY = Operation(
    name="worklog", service="worklog", method="GET", path="/v1/branches/{b}/worklog/{date}",
    summary="The lobby manager's log of a day, written by the events (W7).",
    query=LanguageQuery, response=WorklogView, other_media_types=("text/html",),
)  # fmt: skip
CHECKS = Operation(
    name="recordChecks", service="worklog", method="POST", path="/v1/branches/{b}/worklog/{date}/checks", status=201,
    summary="Record a checklist (W1-W3).", request=RecordChecks, response=CheckView,
    codes=("day_closed", "day_not_begun"),
)  # fmt: skip
NOTES = Operation(
    name="addNote", service="worklog", method="POST", path="/v1/branches/{b}/worklog/{date}/notes", status=201,
    summary="Add what only a person can write (W7).", request=AddNote, response=NoteView,
    codes=("day_closed", "day_not_begun"),
)  # fmt: skip
CLOSE_DAY = Operation(
    name="closeDay", service="worklog", method="POST", path="/v1/branches/{b}/worklog/{date}/close",
    summary="Sign the log; it is read-only from then on (W8).", response=WorklogView,
    codes=("day_closed", "day_not_begun", "visits_in_progress"),
)  # fmt: skip
JOURNAL = Operation(
    name="journal", service="worklog", method="GET", path="/v1/journal", summary="Search the journal (W10).",
    query=JournalQuery, response=JournalPage,
)  # fmt: skip
VERIFY = Operation(
    name="verifyJournal", service="worklog", method="GET", path="/v1/journal/verify",
    summary="Find any change to the journal (W10).", query=VerifyQuery, response=VerifyView,
)  # fmt: skip

OPERATIONS = (DAY, CHECKS, NOTES, CLOSE_DAY, JOURNAL, VERIFY)
