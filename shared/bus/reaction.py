"""How one transaction brings events into a service's database, and what is waited out on the way there."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from shared.bus import deadletters
from shared.bus.deadletters import Failure
from shared.bus.failures import describe
from shared.bus.message import Message
from shared.commands import Cause
from shared.contracts.envelope import Event, Undecodable
from shared.storage import Storage, Transaction
from shared.storage.failures import is_transient
from shared.storage.partition import partition_of
from shared.tracing import child_of

log = structlog.get_logger()

Result = TypeVar("Result")
React = Callable[[Transaction, Event], None]
Before = Callable[[Transaction, Sequence[Event]], None]
After = Callable[[Transaction], None]
Read = Callable[[Message], Event]
Also = Callable[[Transaction], None]

MAX_WAIT_S = 5.0
_STUMBLED = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


class Stopped(Exception):
    """The process ends while a message waits for the database; it stays unacknowledged."""


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """What a service does with events: ``react`` for each, ``before`` and ``after`` around a transaction's.

    ``read`` turns a message into the event; it raises :class:`Undecodable`. Call :meth:`event_of`.
    ``skip`` gets an event that an operator gave up, where later ones could not go on without a word of it.
    """

    react: React
    before: Before | None = None
    after: After | None = None
    read: Read = Message.event
    skip: React | None = None

    def event_of(self, message: Message) -> Event:
        """Read a message; raise :class:`Undecodable`, also for what its reader stumbled over.

        A database that is away, or isn't migrated yet, is no fault of the message: that is raised as it is.
        """
        try:
            return self.read(message)
        except Undecodable:
            raise
        except _STUMBLED as error:
            raise Undecodable("malformed", f"cannot be read: {describe(error)}") from error


class Reactions:
    """The transactions of a consumer: inbox, reaction, dead letters; each commits whole or not at all."""

    def __init__(self, storage: Storage, stop: threading.Event) -> None:
        """``stop`` ends the waiting for a database that is away."""
        self.storage = storage
        self._stop = stop

    def together(self, messages: Sequence[Message], hooks: Hooks) -> None:
        """Handle messages in one transaction; those that can't be read become dead letters in it."""
        events, undecodable = _read(messages, hooks)
        with self.storage.locked({partition_of(event.branchid) for event in events}) as tx:
            for message, why in undecodable:
                log.warning("dead_letter", queue=message.queue, code=why.code, reason=why.reason)
                deadletters.bury(tx, message, None, Failure(code=why.code, reason=why.reason))
            new = tx.receive(event.id for event in events)
            fresh = [event for event in events if event.id in new]
            if fresh:
                waiting = deadletters.blocked(tx, (event.subject for event in fresh))
                deadletters.park(tx, [event for event in fresh if event.subject in waiting])
                _react(tx, [event for event in fresh if event.subject not in waiting], hooks)

    def alone(self, event: Event, hooks: Hooks, also: Also) -> None:
        """Handle an event that the inbox may know already, and do what else belongs to it."""
        with self.storage.locked({partition_of(event.branchid)}) as tx:
            also(tx)
            tx.receive([event.id])
            _react(tx, [event], hooks)

    def skip(self, message: Message, hooks: Hooks, also: Also) -> None:
        """Give a message up."""
        try:
            event = hooks.event_of(message)
        except Undecodable:
            event = None
        with self.storage.locked({partition_of(event.branchid)} if event else ()) as tx:
            also(tx)
            if event is not None and hooks.skip is not None:
                hooks.skip(tx, event)

    def bury(self, message: Message, failure: Failure, hooks: Hooks, also: Also = lambda _tx: None) -> None:
        """Make a message a dead letter."""
        try:
            event = hooks.event_of(message)
        except Undecodable:
            event = None
        log.error("dead_letter", queue=message.queue, code=failure.code, reason=failure.reason)

        def work(tx: Transaction) -> None:
            also(tx)
            deadletters.bury(tx, message, event, failure)

        self.record(work)

    def record(self, work: Callable[[Transaction], Result]) -> Result:
        """Do some bookkeeping in a transaction of its own, however long the database is away."""

        def once() -> Result:
            with self.storage.transaction() as tx:
                return work(tx)

        return self.patiently(once)

    def patiently(self, work: Callable[[], Result]) -> Result:
        """Do the work, waiting out a database that is away; loudly, and for as long as it takes."""
        wait = 0.1
        while True:
            try:
                return work()
            except Exception as error:
                if not is_transient(error):
                    raise
                service = self.storage.service
                log.error("database_unavailable", service=service, retry_s=wait, error=describe(error))  # noqa: TRY400 - said every few seconds
                if self._stop.wait(wait):
                    raise Stopped from error
                wait = min(2 * wait, MAX_WAIT_S)


def _react(tx: Transaction, events: Sequence[Event], hooks: Hooks) -> None:
    if not events:
        return
    if hooks.before is not None:
        hooks.before(tx, events)
    for event in events:
        tx.cause = Cause(causationid=event.id, traceparent=_next_hop(event), actor=event.source)
        hooks.react(tx, event)
    if hooks.after is not None:
        hooks.after(tx)


def _read(messages: Sequence[Message], hooks: Hooks) -> tuple[list[Event], list[tuple[Message, Undecodable]]]:
    """Read what can be read; an event that is there twice counts once."""
    events: dict[str, Event] = {}
    undecodable: list[tuple[Message, Undecodable]] = []
    for message in messages:
        try:
            event = hooks.event_of(message)
            events.setdefault(event.id, event)
        except Undecodable as why:
            undecodable.append((message, why))
    return list(events.values()), undecodable


def _next_hop(event: Event) -> str | None:
    return child_of(event.traceparent) if event.traceparent else None
