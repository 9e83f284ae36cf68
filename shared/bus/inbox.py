"""A service's inbox: the transactions that bring events into its database, each event once.

A transaction enters the events into the inbox table, has the service handle them, and appends what it makes of them
to the log. It commits whole or not at all. What cannot be handled becomes a dead letter in the same database.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from shared.bus import dead_letters
from shared.bus.dead_letters import Failure, describe
from shared.bus.message import Message
from shared.bus.retry import retry_until_available
from shared.commands import Cause
from shared.contracts.envelope import Event, Undecodable
from shared.ids import partition_of
from shared.storage import Storage, Transaction
from shared.tracing import child_of

log = structlog.get_logger()

Result = TypeVar("Result")
HandleEvent = Callable[[Transaction, Event], None]
HandleEvents = Callable[[Transaction, Sequence[Event]], None]
AlsoDo = Callable[[Transaction], None]

DECODE_ERRORS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What reading a message that is no event may raise. A database that is away is no fault of the message's."""


@dataclass(frozen=True, kw_only=True)
class EventHandler:
    """What a service does with the events of a queue.

    ``handle`` gets the new events of a transaction, in their order; those that it does not want (``wants``) are passed
    over without a transaction. ``read`` turns a message into its event; it raises
    :class:`Undecodable`. ``discarded`` gets an event that an operator gave up, where later ones could not go on
    without a word of it.
    """

    handle: HandleEvents
    wants: Callable[[Event], bool] = lambda _event: True
    read: Callable[[Message], Event] = Message.event
    discarded: HandleEvent | None = None


def one_by_one(handle_event: HandleEvent) -> HandleEvents:
    """Return a handler of several events that handles each by itself, as the cause of what is appended for it."""

    def handle(tx: Transaction, events: Sequence[Event]) -> None:
        for event in events:
            traceparent = child_of(event.traceparent) if event.traceparent else None
            tx.cause = Cause(causationid=event.id, traceparent=traceparent, actor=event.source)
            handle_event(tx, event)

    return handle


class Inbox:
    """The transactions of one consumer."""

    def __init__(self, storage: Storage, handler: EventHandler, *, stop: threading.Event) -> None:
        """``stop`` ends the waiting for a database that is away."""
        self.storage = storage
        self._handler = handler
        self._stop = stop

    def event_of(self, message: Message) -> Event:
        """Read a message; raise :class:`Undecodable`, whatever its reader stumbled over."""
        message.require_whole()
        try:
            return self._handler.read(message)
        except Undecodable:
            raise
        except DECODE_ERRORS as error:
            raise Undecodable("malformed", f"cannot be read: {describe(error)}") from error

    def handle(self, messages: Sequence[Message]) -> None:
        """Handle messages in one transaction; those that can't be read become dead letters in it.

        An event that waits behind a dead letter of its subject is parked. Raises what the handler raises.
        """
        events, undecodable = self._read(messages)
        if not (events or undecodable):
            return
        with self.storage.locked({partition_of(event.branchid) for event in events}) as tx:
            for message, why in undecodable:
                log.warning("dead_letter", queue=message.queue, code=why.code, reason=why.reason)
                dead_letters.move_to_dead_letters(tx, message, None, Failure(code=why.code, reason=why.reason))
            new_ids, blocked = dead_letters.receive(tx, events)
            new = [event for event in events if event.key in new_ids]
            dead_letters.park(tx, [event for event in new if event.subject in blocked])
            free = [event for event in new if event.subject not in blocked]
            if free:
                self._handler.handle(tx, free)

    def handle_again(self, event: Event, also: AlsoDo) -> None:
        """Handle an event that was a dead letter or parked, so the inbox knows it; do what else belongs to it."""
        with self.storage.locked({partition_of(event.branchid)}) as tx:
            also(tx)
            tx.receive([event.key])
            self._handler.handle(tx, [event])

    def discard(self, message: Message, also: AlsoDo) -> None:
        """Give a message up; the service is told where it wants to know."""
        event = self._event_or_none(message)
        with self.storage.locked({partition_of(event.branchid)} if event else ()) as tx:
            also(tx)
            if event is not None and self._handler.discarded is not None:
                self._handler.discarded(tx, event)

    def move_to_dead_letters(
        self, message: Message, failure: Failure, also: AlsoDo = lambda _tx: None, *, read: bool = True
    ) -> None:
        """Make a message a dead letter; without ``read`` its bytes alone, whatever event they may be."""
        event = self._event_or_none(message) if read else None
        log.error("dead_letter", queue=message.queue, code=failure.code, reason=failure.reason)

        def work(tx: Transaction) -> None:
            also(tx)
            dead_letters.move_to_dead_letters(tx, message, event, failure)

        self.record(work)

    def record(self, work: Callable[[Transaction], Result]) -> Result:
        """Do some bookkeeping in a transaction of its own, however long the database is away."""

        def once() -> Result:
            with self.storage.transaction() as tx:
                return work(tx)

        return self.retry_until_available(once)

    def retry_until_available(self, work: Callable[[], Result]) -> Result:
        """Do the work however long the database is away; raise :class:`~shared.bus.retry.Cancelled` at the end."""
        return retry_until_available(work, service=self.storage.service, stop=self._stop)

    def _read(self, messages: Sequence[Message]) -> tuple[list[Event], list[tuple[Message, Undecodable]]]:
        """Read what can be read, and leave out what isn't wanted; an event that is there twice counts once."""
        events: dict[str, Event] = {}
        undecodable: list[tuple[Message, Undecodable]] = []
        for message in messages:
            try:
                event = self.event_of(message)
                if self._handler.wants(event):
                    events.setdefault(event.key, event)
            except Undecodable as why:
                undecodable.append((message, why))
        return list(events.values()), undecodable

    def _event_or_none(self, message: Message) -> Event | None:
        try:
            return self.event_of(message)
        except Undecodable:
            return None
