"""``@on(EventClass)``: a service's event handlers, from which follows what the service hears.

In a service class::

    @on(triage.TicketCalled)
    def ticket_called(self, tx: Transaction, event: Event) -> None: ...

    @on_every_event
    def record(self, tx: Transaction, events: Sequence[Event]) -> None: ...

    @on_discarded
    def pass_over(self, tx: Transaction, event: Event) -> None: ...

A handler of one event appends as its effect; a handler of every event gets those of a transaction together; the last
gets an event that an operator gave up. What a handler raises makes a dead letter of the event, after some attempts.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from nameko.extensions import Entrypoint, SharedExtension, register_entrypoint

from shared.bus.database import Database
from shared.bus.event_handlers import Handles, handler_of, mark
from shared.bus.inbox import EventHandler
from shared.bus.queue_readers import QueueReaders
from shared.bus.topology import presence_queue
from shared.bus.workers import run_worker

Method = TypeVar("Method", bound=Callable[..., Any])


class SettleEvents(Entrypoint):
    """What a worker runs for a batch: nameko calls one method, by its name, and a batch is for all handlers."""

    method_name: Final = "settle_events"


class EventConsumer(SharedExtension):
    """Reads the service's event queues, for all event handlers of the service."""

    database = Database()

    def setup(self) -> None:
        """Give the service's class the method of :class:`SettleEvents`."""
        method_name = SettleEvents.method_name
        setattr(self.container.service_cls, method_name, lambda service, settle: settle(handler_of(service)))
        self._readers = QueueReaders(self.container, self.database, lambda batch: self._run_worker(batch.process))

    def start(self) -> None:
        """Catch up where the transport forgets, then read each queue."""
        service, embedded = self.container.service_name, self.database.settings.embedded
        self._readers.start(
            self.database.topology.event_queues(service),
            presence=None if embedded else presence_queue(service),
            before=self._catch_up if embedded else lambda: None,
        )

    def stop(self) -> None:
        """Settle the batches at hand, then end."""
        self._readers.stop()

    def readiness_checks(self) -> dict[str, Callable[[], str | None]]:
        """Each queue is being read."""
        return self._readers.readiness_checks()

    def _catch_up(self) -> None:
        """Handle what the producers' logs have behind this service's cursors."""
        patterns = self.database.topology.subscriptions[self.container.service_name]
        self._run_worker(partial(self._readers.batch_of(()).catch_up, patterns))
        if self.database.settings.clock == "system":  # the next time begins where this one ended
            self.database.storage.forget_inbox()

    def _run_worker(self, settle: Callable[[EventHandler], None]) -> None:
        run_worker(self.container, SettleEvents(), settle)


class EventEntrypoint(Entrypoint):
    """Makes a method an entrypoint of its service; the service's consumer is what calls it."""

    consumer = EventConsumer()


def on(*event_classes: type, where: Callable[[Any], bool] = lambda _data: True) -> Callable[[Method], Method]:
    """Have a method handle the events of some classes, one at a time: ``(transaction, event)``.

    The classes are the newest versions of their events. What the method appends has the event as its cause. ``where``
    says by an event's data whether it is wanted: of most events a service has nothing to do with, a transaction that
    finds that out is work for nothing.
    """
    return partial(_register, Handles(kind="one", classes=event_classes, where=where))


def on_every_event(method: Method) -> Method:
    """Have a method handle all events of a transaction, of every type: ``(transaction, events)``."""
    return _register(Handles(kind="all"), method)


def on_discarded(method: Method) -> Method:
    """Tell a method of each event that an operator gave up, unhandled: ``(transaction, event)``."""
    return _register(Handles(kind="discarded"), method)


def _register(handles: Handles, method: Method) -> Method:
    register_entrypoint(mark(method, handles), EventEntrypoint())
    return method
