"""The worklog service: decodes calls and events, runs a handler, answers (W1, W3, W7, W8, W10)."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

import eventlet
from nameko.extensions import DependencyProvider
from werkzeug.wrappers import Response

from services.worklog import handlers
from services.worklog.lobbies import Lobbies
from shared.bus import Database, on_discarded, on_every_event
from shared.contracts.envelope import Event
from shared.contracts.http import worklog as calls
from shared.contracts.http.worklog import JournalPage, VerifyView, WorklogView
from shared.storage import Transaction
from shared.web.branches import Answer
from shared.web.entrypoint import http, to_response
from shared.web.request_context import Call

JSON, HTML = "application/json", "text/html"


class LobbiesProvider(DependencyProvider):
    """Hands the service its lobbies."""

    database = Database()

    def start(self) -> None:
        """Begin, now that the database is open."""
        self._lobbies = Lobbies(self.database.storage)

    def get_dependency(self, worker_ctx: Any) -> Lobbies:
        """Return the ones of the container."""
        return self._lobbies


class WorklogService:
    """What worklog answers and hears."""

    name = "worklog"
    lobbies: Lobbies = LobbiesProvider()

    @http(calls.DAY)
    def worklog(self, call: Call) -> Response:
        """Return the log of a day, as JSON or as a page (W7)."""
        view = self.lobbies.look(call.branch, lambda lobby: handlers.get_day(lobby, business_date=call.date))
        return _in_wanted_form(view, call, self.lobbies.zone)

    @http(calls.CHECKS)
    def record_checks(self, call: Call) -> Answer:
        """Record a checklist (W1-W3)."""
        by = call.principal.subject
        return self.lobbies.carry_out(
            call, lambda uow: handlers.record_checks(uow, business_date=call.date, actor=by, body=call.body)
        )

    @http(calls.NOTES)
    def add_note(self, call: Call) -> Answer:
        """Add what only a person can write (W7)."""
        by = call.principal.subject
        return self.lobbies.carry_out(
            call, lambda uow: handlers.add_note(uow, business_date=call.date, actor=by, body=call.body)
        )

    @http(calls.CLOSE_DAY)
    def close_day(self, call: Call) -> Answer:
        """Sign the log (W8)."""
        by = call.principal.subject
        return self.lobbies.carry_out(call, lambda uow: handlers.close_day(uow, business_date=call.date, actor=by))

    @http(calls.JOURNAL)
    def journal(self, call: Call) -> JournalPage:
        """Search the journal (W10)."""
        call.principal.require_branch(call.query.branch)
        return self.lobbies.look_into_journal(lambda journal: handlers.search(journal, call.query))

    @http(calls.VERIFY)
    def verify_journal(self, call: Call) -> VerifyView:
        """Find any change to the journal, in one branch or in all that the token covers (W10)."""
        branch, branches = call.query.branch, call.principal.branches
        if branch is not None:
            call.principal.require_branch(branch)
            branches = frozenset((branch,))
        return self.lobbies.look_into_journal(
            lambda journal: handlers.verify_chains(journal, None if "*" in branches else branches),
            pause=lambda: eventlet.sleep(0),
        )

    @on_every_event
    def record(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Take every event into the journal and into its day's figures (W7, W10)."""
        self.lobbies.recording(tx).record_all(events)

    @on_discarded
    def pass_over(self, tx: Transaction, event: Event) -> None:
        """Let the subject of an event that an operator gave up go on behind it."""
        self.lobbies.recording(tx).skip(event)


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
