"""The worklog service: decodes calls and events, runs a handler, answers (W1, W3, W7, W8, W10)."""

from collections.abc import Callable, Sequence
from datetime import tzinfo

import eventlet
from werkzeug.wrappers import Response

from services.worklog import handlers
from services.worklog.handlers import Recording, UnitOfWork
from services.worklog.store import Journal, StoredDays, StoredJournalProjection, StoredUnitOfWork
from shared.bus import StorageProvider, on_discarded, on_every_event
from shared.commands import Replayed
from shared.contracts.base import View
from shared.contracts.envelope import Event
from shared.contracts.http import worklog as calls
from shared.contracts.http.worklog import JournalPage, VerifyView, WorklogView
from shared.storage import Storage, Transaction
from shared.web.call import Call
from shared.web.entrypoint import http, to_response

Answer = View | Replayed | None

JSON, HTML = "application/json", "text/html"


class WorklogService:
    """What worklog answers and hears."""

    name = "worklog"
    storage: Storage = StorageProvider()

    @http(calls.DAY)
    def worklog(self, call: Call) -> Response:
        """Return the log of a day, as JSON or as a page (W7)."""
        with self.storage.read() as connection:
            view = handlers.get_day(StoredDays(self.storage, connection, call.branch), business_date=call.date)
        return _in_wanted_form(view, call, self.storage.settings.default_timezone)

    @http(calls.CHECKS)
    def record_checks(self, call: Call) -> Answer:
        """Record a checklist (W1-W3)."""
        by = call.principal.subject
        return self._carry_out(
            call, lambda uow: handlers.record_checks(uow, business_date=call.date, actor=by, body=call.body)
        )

    @http(calls.NOTES)
    def add_note(self, call: Call) -> Answer:
        """Add what only a person can write (W7)."""
        by = call.principal.subject
        return self._carry_out(
            call, lambda uow: handlers.add_note(uow, business_date=call.date, actor=by, body=call.body)
        )

    @http(calls.CLOSE_DAY)
    def close_day(self, call: Call) -> Answer:
        """Sign the log (W8)."""
        by = call.principal.subject
        return self._carry_out(call, lambda uow: handlers.close_day(uow, business_date=call.date, actor=by))

    @http(calls.JOURNAL)
    def journal(self, call: Call) -> JournalPage:
        """Search the journal (W10)."""
        call.principal.require_branch(call.query.branch)
        with self.storage.read() as connection:
            return handlers.search(Journal(connection), call.query)

    @http(calls.VERIFY)
    def verify_journal(self, call: Call) -> VerifyView:
        """Find any change to the journal, in one branch or in all that the token covers (W10)."""
        branch, branches = call.query.branch, call.principal.branches
        if branch is not None:
            call.principal.require_branch(branch)
            branches = frozenset((branch,))
        with self.storage.read() as connection:
            journal = Journal(connection, pause=lambda: eventlet.sleep(0))
            return handlers.verify_chains(journal, None if "*" in branches else branches)

    @on_every_event
    def record(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Take every event into the journal and into its day's figures (W7, W10)."""
        self._recording().record_all(tx, events)

    @on_discarded
    def pass_over(self, tx: Transaction, event: Event) -> None:
        """Let the subject of an event that an operator gave up go on behind it."""
        self._recording().skip(tx, event)

    def _recording(self) -> Recording:
        return Recording(StoredJournalProjection, self.storage.settings.default_timezone)

    def _carry_out(self, call: Call, use_case: Callable[[UnitOfWork], View]) -> Answer:
        return self.storage.execute(call.command, lambda tx: use_case(StoredUnitOfWork(self.storage, tx, call.branch)))


def _in_wanted_form(view: WorklogView, call: Call, zone: tzinfo) -> Response:
    """Answer as a page to who would rather read one, as JSON to everybody else."""
    wanted = call.request.accept_mimetypes.best_match((JSON, HTML), default=JSON)
    if wanted == HTML:
        from shared.pages import worklog as pages  # the templates: only where somebody reads a page

        page = pages.render_worklog(view, lang=call.query.lang, zone=zone)
        response = Response(page, content_type=f"{HTML}; charset=utf-8", headers=pages.worklog_headers())
    else:
        response = to_response(calls.DAY, view)
    response.headers["Vary"] = "Accept"
    return response
