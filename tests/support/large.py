"""Databases as they are after months, filled by SQL in seconds: what costs more there costs more every month."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from shared.contracts.envelope import Event, EventData
from shared.contracts.events import incidents, vip
from shared.contracts.registry import type_of
from shared.ids import partition_of
from shared.settings import Settings
from shared.storage.engine import is_sqlite, open_engine

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
"""When the first event happened."""
STEPS = ("ticket_issued", "ticket_printed", "ticket_called", "service_started", "visit_ended")
RARE = 1000
"""One event of a branch in so many is a hazard's."""
NOTE = (
    '{"specversion":"1.0","id":"n","source":"/services/worklog","type":"lobby.worklog.note_added.v1",'
    '"subject":"day:branch-1:2026-01-01","time":"2026-01-01T01:00:00Z","datacontenttype":"application/json",'
    '"branchid":"branch-1","correlationid":"c","sequence":1,"recordedtime":"2026-01-01T01:00:00Z",'
    '"data":{"business_date":"2026-01-01","note_id":"n","kind":"summary","text":"t","by":"li"}}'
)
"""What somebody wrote into a day's log."""
BODY = '{"specversion":"1.0","data":{"note":"' + "x" * 500 + '"}}'


@dataclass(frozen=True, kw_only=True)
class Size:
    """``events`` in all, of so many ``branches`` in turn; each has ``of_a_day`` a day, whole visits."""

    events: int
    branches: int
    of_a_day: int

    @property
    def days(self) -> int:
        """How many days there are."""
        return self.events // self.branches // self.of_a_day

    @property
    def end(self) -> datetime:
        """The midnight after the last event."""
        return FIRST + timedelta(days=self.days)


def branch_name(number: int) -> str:
    """Return the name of a branch."""
    return f"branch-{number}"


def fill_service(settings: Settings, service: str, size: Size) -> None:
    """Fill the large tables of a migrated, empty service, and count them for the planner."""
    engine = open_engine(settings.database_url_of(service), service, pool_size=1)
    try:
        with engine.execution_options(lobby_writes=True).begin() as connection:
            filler = _Filler(connection, size)
            _OWN[service](filler)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE" if is_sqlite(engine) else "VACUUM ANALYZE"))
    finally:
        engine.dispose()


class _Filler:
    """Inserts rows whose columns are SQL expressions of their number ``i``, from 0."""

    def __init__(self, connection: Connection, size: Size) -> None:
        self.connection, self.size = connection, size
        self._sqlite = connection.dialect.name == "sqlite"
        self.k = f"(i / {size.branches})"
        self.days = f"({self.k} / {size.of_a_day})"
        self.n = f"({self.k} % {size.of_a_day} + 1)"
        parts = " ".join(f"WHEN {n} THEN {partition_of(branch_name(n))}" for n in range(size.branches))
        self.pp = f"(CASE i % {size.branches} {parts} END)"
        self.branch = f"('branch-' || (i % {size.branches}))"
        self.visit = f"('visit-' || (i % {size.branches}) || '-' || ({self.k} / {len(STEPS)}))"
        self.step = f"({self.k} % {len(STEPS)})"
        steps = " ".join(f"WHEN {n} THEN 'lobby.triage.{name}.v1'" for n, name in enumerate(STEPS))
        rare = "'lobby.incidents.hazard_opened.v1'"
        self.type = f"(CASE WHEN {self.k} % {RARE} = {RARE - 1} THEN {rare} ELSE CASE {self.step} {steps} END END)"
        self.at = self.time(f"({self.days} * 86400 + {self.n} * {60_000 // size.of_a_day})")

    @property
    def bytes(self) -> str:
        """Return an empty body."""
        return "x''" if self._sqlite else "''::bytea"

    def day(self, days: str) -> str:
        """Return the date so many days after the first."""
        if self._sqlite:
            return f"date('{FIRST.date()}', '+' || {days} || ' days')"
        return f"(date '{FIRST.date()}' + {days})"

    def time(self, seconds: str) -> str:
        """Return the time so many seconds after the first."""
        if self._sqlite:
            return f"(strftime('%Y-%m-%d %H:%M:%S', {int(FIRST.timestamp())} + ({seconds}), 'unixepoch') || '.000000')"
        return f"(timestamptz '{FIRST.isoformat()}' + ({seconds}) * interval '1 second')"

    def insert(self, table: str, rows: int, /, **columns: str) -> None:
        """Insert so many rows."""
        if self._sqlite:
            numbers = f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows - 1}) "
            source = "n"
        else:
            numbers, source = "", f"generate_series(0, {rows - 1}) AS n(i)"
        names = ", ".join(f'"{name}"' for name in columns)
        statement = f"INSERT INTO {table} ({names}) {numbers}SELECT {', '.join(columns.values())} FROM {source}"
        self.connection.execute(text(statement.replace(":", r"\:")))


def _fill_log(fill: _Filler) -> None:
    """A service's log, and what hangs on it."""
    count = fill.size.events
    fill.insert(
        "log", count, pp=fill.pp, pos="i + 1", event_id="'event-' || i",
        branch=fill.branch, type=fill.type, source="'/services/triage'", subject=fill.visit,
        sequence=f"{fill.step} + 1", correlation=fill.visit, recorded=fill.at, own="(i % 10 = 0)", body=f"'{BODY}'",
    )  # fmt: skip
    fill.connection.execute(text("UPDATE log_head SET pos = :pos"), {"pos": count})
    _fill_inbox(fill)
    fill.insert(
        "idempotency",
        count,
        actor="'actor-' || (i % 50)",
        key="'key-' || i",
        fingerprint="'f'",
        body="'{}'",
        at=fill.at,
    )
    fill.insert(
        "dead_letter", count // 10, id="'letter-' || i", queue="'q'", code="'failed'", reason="'r'", attempts="3",
        event_id="'event-' || i", branch=fill.branch, type=fill.type, subject=fill.visit, body=fill.bytes,
        headers="'{}'", state="'resolved'", blocks="(1 = 0)", published="(1 = 1)", at=fill.at,
    )  # fmt: skip


def _fill_inbox(fill: _Filler) -> None:
    fill.insert("inbox", fill.size.events, event_id="'event-' || i", at=fill.at)


def _fill_worklog(fill: _Filler) -> None:
    """The journal; worklog's own log is small."""
    size = fill.size
    _fill_inbox(fill)
    fill.insert(
        "journal", size.events, branch=fill.branch, day=fill.day(fill.days), n=fill.n, event_id="'event-' || i",
        type=fill.type, source="'/services/triage'", subject=fill.visit, sequence=f"{fill.step} + 1", time=fill.at,
        recorded=fill.at, body=f"'{BODY}'", prev_hash="'0'", hash="'1'",
    )  # fmt: skip
    fill.insert(
        "subject", size.events // 2, branch=fill.branch, producer="'triage'",
        subject=f"'visit-' || (i % {size.branches}) || '-' || {fill.k}", sequence=str(len(STEPS)),
    )  # fmt: skip
    fill.insert(
        "visit", size.events // 2, branch=fill.branch,
        visit_id=f"'visit-' || (i % {size.branches}) || '-' || {fill.k}", channel="'counter'",
        ended="(1 = 1)", late="(1 = 0)",
    )  # fmt: skip
    days = size.days * size.branches
    fill.insert(
        "chain", days, branch=fill.branch, day=fill.day(fill.k), count=str(size.of_a_day), hash="'1'",
        earliest=fill.time(f"{fill.k} * 86400"), latest=fill.time(f"{fill.k} * 86400 + 86399"),
    )  # fmt: skip
    fill.insert("figures", days, branch=fill.branch, business_date=fill.day(fill.k), body="'{}'")
    fill.insert("signature", days, branch=fill.branch, business_date=fill.day(fill.k), journal_hash="'1'")
    day = fill.day(fill.k)
    fill.insert(
        "log", days, pp=fill.pp, pos="i + 1", event_id="'note-' || i", branch=fill.branch,
        type="'lobby.worklog.note_added.v1'", source="'/services/worklog'",
        subject=f"'day:' || {fill.branch} || ':' || {day}", sequence="1", correlation="'c'",
        recorded=fill.time(f"{fill.k} * 86400"), own="(1 = 1)", body=f"replace('{NOTE}', '2026-01-01', '' || {day})",
    )  # fmt: skip
    fill.connection.execute(text("UPDATE log_head SET pos = :pos"), {"pos": days})


def _fill_gateway(fill: _Filler) -> None:
    """The log of what every service said, and the rest."""
    _fill_log(fill)
    fill.insert("branch", 40_000, branch="'branch-' || i", last_event_at=fill.at)
    fill.insert(
        "collected_dead_letter", fill.size.events // 10, id="'letter-' || i", service="'triage'", queue="'q'",
        code="'failed'", reason="'r'", attempts="3", state="'resolved'", at=fill.at, branch=fill.branch, by_broker="0",
        body=fill.bytes,
    )  # fmt: skip


def _fill_triage(fill: _Filler) -> None:
    """A bank of 40,000 branches, in which nothing is due before the day after the last one."""
    _fill_log(fill)
    banks = 40_000
    fill.insert(
        "ticket", fill.size.events, ticket_id="'ticket-' || i", visit_id=fill.visit, branch=fill.branch,
        number="'A' || i", business_date=fill.day(fill.days),
    )  # fmt: skip
    fill.insert("due", banks, branch="'bank-' || i", at=fill.time(f"({fill.size.days} + 1) * 86400 + i"))
    fill.insert(
        "snapshot", banks, branch="'bank-' || (i % 400)", pos="i + 1", version="1", recorded=fill.time("i * 60"),
        body=fill.bytes,
    )  # fmt: skip
    fill.insert("branch_policy", banks, branch="'bank-' || i", digest="'d'", overrides="'{}'")


def _fill_vip(fill: _Filler) -> None:
    key = {"handoff_id": "handoff-@i", "visit_id": "visit-@i"}
    arrived = vip.CustomerArrived(**key, business_date=FIRST.date(), tier="gold", recognised_by="word")
    withdrawn = vip.HandoffWithdrawn(**key, business_date=FIRST.date(), reason="left")
    count = fill.size.events // 10
    _fill_history(fill, count, arrived, subject="handoff-@i", sequence=1)
    _fill_history(fill, count, withdrawn, subject="handoff-@i", sequence=2)
    fill.insert("handoff", count, handoff_id="'handoff-' || i", branch=fill.branch)


def _fill_incidents(fill: _Filler) -> None:
    opened = incidents.HazardOpened(
        incident_id="incident-@i", business_date=FIRST.date(), summary="s", happened_at=FIRST, reported_by="li"
    )
    closed = incidents.IncidentClosed(
        incident_id="incident-@i", kind="hazard", business_date=FIRST.date(), resolution="r", by="li", open_s=1.0
    )
    count = fill.size.events // 10
    _fill_history(fill, count, opened, subject="incident-@i", sequence=1)
    _fill_history(fill, count, closed, subject="incident-@i", sequence=2)
    fill.insert("incident", count, incident_id="'incident-' || i", branch=fill.branch)


def _fill_history(fill: _Filler, count: int, data: EventData, *, subject: str, sequence: int) -> None:
    """Append so many events whose texts have the number in the place of ``@i``, behind those of smaller sequences."""
    branches = fill.size.branches
    event = Event(
        id=f"event-{sequence}-@i", source="/services/s", type=type_of(type(data)), subject=subject, time=FIRST,
        branchid="branch-x", correlationid=subject, sequence=sequence, recordedtime=FIRST, data=data,
    )  # fmt: skip
    parts = " ".join(f"WHEN {n} THEN {partition_of(branch_name(n))}" for n in range(branches))

    def numbered(text: str) -> str:
        return "'" + text.replace("@i", "' || i || '").replace("branch-x", f"branch-' || (i % {branches}) || '") + "'"

    fill.insert(
        "log", count, pp=f"(CASE i % {branches} {parts} END)", pos=f"{(sequence - 1) * count} + i + 1",
        event_id=numbered(event.id), branch=fill.branch, type=f"'{event.type}'", source="'/services/s'",
        subject=numbered(subject), sequence=str(sequence), correlation=numbered(subject), recorded=fill.at,
        own="(1 = 1)", body=numbered(event.to_json().decode()),
    )  # fmt: skip
    fill.connection.execute(text("UPDATE log_head SET pos = :pos"), {"pos": sequence * count})


_OWN: dict[str, Callable[[_Filler], None]] = {
    "triage": _fill_triage, "worklog": _fill_worklog, "gateway": _fill_gateway, "vip": _fill_vip,
    "incidents": _fill_incidents,
}  # fmt: skip
