"""A branch's office as a test sees it: the real use cases on a real database, events through the real processor."""

import threading
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import select

from services.worklog import handlers
from services.worklog.handlers import Recording
from services.worklog.store import Desk, Journal, Ledger, Records
from shared.bus.batch_processor import BatchProcessor
from shared.bus.inbox import EventHandler, Inbox
from shared.bus.message import Message
from shared.clock import ManualClock
from shared.contracts.envelope import Event
from shared.contracts.http import worklog as calls
from shared.storage import Storage
from shared.storage.tables import dead_letter
from tests.worklog.happened import TODAY

BRANCH = "demo"
LATER = "2026-11-25"

Found = TypeVar("Found")


class Office:
    """Does what the service does with calls and events."""

    def __init__(self, storage: Storage, clock: ManualClock) -> None:
        self.storage = storage
        self.clock = clock
        self.zone = storage.settings.default_timezone
        recording = EventHandler(handle=lambda tx, events: Recording(Ledger, self.zone).record_all(tx, events))
        self._processor = BatchProcessor(Inbox(storage, recording, stop=threading.Event()))

    def hear(self, *events: Event) -> None:
        """Take one batch from the queue."""
        self._processor.process([Message(queue="q", body=event.to_json()) for event in events])

    def hear_singly(self, events: Iterable[Event]) -> None:
        for event in events:
            self.hear(event)

    def dead_letters(self) -> list[tuple[str, str]]:
        with self.storage.read() as connection:
            return [
                (code, reason) for code, reason in connection.execute(select(dead_letter.c.code, dead_letter.c.reason))
            ]

    def day(self, business_date: date = TODAY, branch: str = BRANCH) -> calls.WorklogView:
        with self.storage.read() as connection:
            return handlers.get_day(Records(connection), branch=branch, business_date=business_date)

    def check(self, *, business_date: date = TODAY, **fields: Any) -> calls.CheckView:
        results = [{"item": "queue_terminal", "ok": True}]
        body = calls.RecordChecks.model_validate({"kind": "opening", "results": results, **fields})
        return self._change(handlers.record_checks, business_date, body=body)

    def note(self, text: str = "平静的一天", *, business_date: date = TODAY) -> calls.NoteView:
        return self._change(handlers.add_note, business_date, body=calls.AddNote(text=text))

    def close(self, business_date: date = TODAY) -> calls.WorklogView:
        return self._change(handlers.close_day, business_date)

    def search(self, **query: Any) -> calls.JournalPage:
        with self.storage.read() as connection:
            asked = calls.JournalQuery.model_validate({"branch": BRANCH, **query})
            return handlers.search(Journal(connection), asked)

    def verify(self, *branches: str) -> calls.VerifyView:
        with self.storage.read() as connection:
            return handlers.verify_chains(Journal(connection), branches or None)

    def own_events(self) -> list[Event]:
        """What worklog itself has said, as its relay publishes it."""
        from shared.contracts.registry import decode

        heads = self.storage.reader("worklog").heads()
        rows = self.storage.reader("worklog").after(dict.fromkeys(heads, 0), limit=1000)
        since = {row.event_id for row in rows if row.branch == BRANCH}
        return [decode(row.body.encode()) for row in rows if row.event_id in since]

    def _change(self, use_case: Callable[..., Found], business_date: date, **arguments: Any) -> Found:
        with self.storage.transaction(BRANCH) as tx:
            return use_case(
                Desk(tx), branch=BRANCH, business_date=business_date, zone=self.zone, actor="li", **arguments
            )
