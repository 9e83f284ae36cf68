"""A branch's office as its people use it: calls and events go to the real service."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import select

from services.worklog.lobbies import Lobbies
from services.worklog.service import WorklogService
from shared.clock import ManualClock
from shared.contracts.envelope import Event
from shared.contracts.http import worklog as calls
from shared.contracts.http.operation import Operation
from shared.storage import Storage
from shared.storage.tables import dead_letter
from shared.storage.verification import verify
from tests.support.in_process import InProcess
from tests.worklog.happened import TODAY

BRANCH = "demo"
LATER = "2026-11-25"


class Office:
    """Makes calls and hands over events."""

    def __init__(self, storage: Storage, clock: ManualClock) -> None:
        self.storage = storage
        self.clock = clock
        self.worklog = InProcess(WorklogService, storage=storage, lobbies=Lobbies(storage))

    def receive(self, *events: Event) -> None:
        """Hand over one batch; what is counted then is what the journal says from its first event on."""
        self.worklog.take_batch(events)
        for branch in dict.fromkeys(event.branchid for event in events):
            assert verify(self.storage, branch) == []

    def hear_singly(self, events: Iterable[Event]) -> None:
        for event in events:
            self.receive(event)

    def dead_letters(self) -> list[tuple[str, str]]:
        with self.storage.read() as connection:
            return [
                (code, reason) for code, reason in connection.execute(select(dead_letter.c.code, dead_letter.c.reason))
            ]

    def day(self, business_date: date = TODAY, branch: str = BRANCH) -> calls.WorklogView:
        answer = self.worklog.call(calls.DAY, b=branch, date=business_date.isoformat())
        return calls.WorklogView.model_validate_json(answer.data)

    def check(self, *, business_date: date = TODAY, **fields: Any) -> calls.CheckView:
        body = {"kind": "opening", "results": [{"item": "queue_terminal", "ok": True}], **fields}
        view: calls.CheckView = self._change(calls.CHECKS, business_date, body)
        return view

    def note(self, text: str = "平静的一天", *, business_date: date = TODAY) -> calls.NoteView:
        view: calls.NoteView = self._change(calls.NOTES, business_date, {"text": text})
        return view

    def close(self, business_date: date = TODAY) -> calls.WorklogView:
        view: calls.WorklogView = self._change(calls.CLOSE_DAY, business_date)
        return view

    def search(self, **query: object) -> calls.JournalPage:
        page: calls.JournalPage = self.worklog.call(calls.JOURNAL, query={"branch": BRANCH, **query})
        return page

    def verify(self, branch: str | None = None) -> calls.VerifyView:
        query = {} if branch is None else {"branch": branch}
        view: calls.VerifyView = self.worklog.call(calls.VERIFY, query=query)
        return view

    def own_events(self) -> list[Event]:
        """What worklog itself has said of the branch, as its relay publishes it."""
        return [event for event in self.worklog.log() if event.branchid == BRANCH]

    def _change(self, operation: Operation, business_date: date, body: dict[str, Any] | None = None) -> Any:
        return self.worklog.call(operation, body, by="li", b=BRANCH, date=business_date.isoformat())
