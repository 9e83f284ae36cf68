"""The gateway: terminals' events, the live stream, dead letters, the clock, and the pages."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from nameko.extensions import DependencyProvider
from werkzeug.wrappers import Response

from services.gateway import dead_letters, store, stream, terminals
from services.gateway.branch_tails import LOOK_INTERVAL_S, BranchTails
from services.gateway.pages import PagesMixin
from shared.bus import MessageBatch, StorageProvider, every, on_every_event, on_queue
from shared.bus.database import Database
from shared.bus.dead_letters import describe
from shared.bus.inbox import EventHandler, one_by_one
from shared.bus.operator_commands import OperatorCommandSender, OperatorCommandsProvider
from shared.bus.topology import DEAD_LETTERS_QUEUE, TERMINALS_QUEUE
from shared.clock import ScaledClock, format_clock
from shared.contracts.base import View
from shared.contracts.envelope import Event
from shared.contracts.http import gateway as calls
from shared.contracts.http.permissions import streamed_to
from shared.storage import Storage, Transaction
from shared.web.branch_notifier import BranchNotifier
from shared.web.entrypoint import http
from shared.web.request_context import Call
from shared.web.sse import EventStream

log = structlog.get_logger()

HELD = timedelta(days=1)
TERMINALS_HELD = timedelta(days=7)
DEAD_LETTERS_HELD = timedelta(days=30)


class BranchTailsProvider(DependencyProvider):
    """Hands the service the newest events of the branches that are followed."""

    database = Database()

    def start(self) -> None:
        """Hear of every commit, and look for those of other processes."""
        storage = self.database.storage
        self.tails = BranchTails(storage, BranchNotifier())
        storage.on_commit(self.tails.committed)
        self.database.on_commit_elsewhere(lambda _branches: self._wake.set())
        self._stop, self._wake = threading.Event(), threading.Event()
        self._thread = self.container.spawn_managed_thread(self._look, identifier="branch tails")

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        self._wake.set()
        self._thread.wait()

    def get_dependency(self, worker_ctx: Any) -> BranchTails:
        """Return the tails of the container."""
        return self.tails

    def _look(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(LOOK_INTERVAL_S)
            self._wake.clear()
            try:
                self.tails.catch_up()
            except Exception as error:
                log.warning("branch_tails_wait", error=describe(error))
                self._stop.wait(1)


class GatewayService(PagesMixin):
    """What the gateway answers and hears."""

    name = "gateway"
    storage: Storage = StorageProvider()
    operator_commands: OperatorCommandSender = OperatorCommandsProvider()
    branch_tails: BranchTails = BranchTailsProvider()

    @http(calls.POST_EVENTS)
    def post_events(self, call: Call) -> View:
        """Take events from a terminal (T4)."""
        events = terminals.read_request(dict(call.request.headers), call.raw, call.principal)
        return terminals.accept(self.storage, events)

    @http(calls.STREAM)
    def stream(self, call: Call) -> Response:
        """Follow a branch."""
        types = call.query.types if call.query else None
        allowed = streamed_to(call.principal.roles)
        source = stream.events(self.branch_tails, call.branch, after=call.last_event_id, types=types, allowed=allowed)
        return EventStream(call, source)

    @http(calls.BRANCHES)
    def branches(self, call: Call) -> View:
        """List the branches that the token covers."""
        covered = call.principal.branches
        with self.storage.read() as connection:
            known = store.branches(connection, None if "*" in covered else covered)
        return calls.BranchList(branches=tuple(calls.BranchView(branch=name, last_event_at=at) for name, at in known))

    @http(calls.CLOCK)
    def clock(self, call: Call) -> View:
        """Tell the business time."""
        clock = self.storage.clock
        now = clock.now()
        offset = self.storage.settings.default_timezone.utcoffset(now.replace(tzinfo=None)) or timedelta()
        spec = format_clock(clock) if isinstance(clock, ScaledClock) else "system"
        return calls.ClockView(now=now, rate=clock.rate, spec=spec, offset_s=int(offset.total_seconds()))

    @http(calls.DEAD_LETTERS)
    def dead_letters(self, call: Call) -> View:
        """Show what could not be handled."""
        query = call.query or calls.DeadLetterQuery()
        return dead_letters.show(
            self.storage, call.principal, service=query.service, state=query.state, limit=query.limit
        )

    @http(calls.RETRY)
    def retry(self, call: Call) -> View:
        """Hand a dead letter to the consumer that failed."""
        return dead_letters.command(self.storage, self.operator_commands, call.principal, call.params["id"], "retry")

    @http(calls.DISCARD)
    def discard(self, call: Call) -> View:
        """Give a dead letter up."""
        return dead_letters.command(self.storage, self.operator_commands, call.principal, call.params["id"], "discard")

    @on_every_event
    def hold(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Hold every service's events for the stream."""
        store.record_activity(tx.connection, {event.branchid: tx.now for event in events})
        for event in events:
            tx.append_event(event, own=False)

    @on_queue(TERMINALS_QUEUE)
    def ingest(self, batch: MessageBatch) -> None:
        """Take what terminals say by AMQP (T4)."""
        batch.process(EventHandler(handle=one_by_one(terminals.append), read=terminals.read_message))

    @on_queue(DEAD_LETTERS_QUEUE)
    def collect_dead_letters(self, batch: MessageBatch) -> None:
        """Take what the services could not handle."""
        dead_letters.collect(self.storage, batch.messages)

    @every(seconds=60)
    def forget(self) -> None:
        """Hold the stream for a day, what terminals said for a week, and settled dead letters for a month."""
        with self.storage.transaction() as tx:
            store.forget_dead_letters(tx.connection, tx.now - DEAD_LETTERS_HELD)
        forgotten = 1
        while forgotten:
            with self.storage.transaction() as tx:
                forgotten = store.forget(tx.connection, tx.now - HELD, tx.now - TERMINALS_HELD)
