"""Handles the messages of one queue: in batches, each in one transaction, nothing lost, nothing twice.

Knows neither nameko nor kombu. When :meth:`Processor.process` returns, every message is settled
(committed, or a dead letter) and may be acknowledged.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TypeVar

import structlog
from sqlalchemy import RowMapping

from shared.bus import deadletters
from shared.bus.deadletters import Failure
from shared.bus.failures import describe, is_transient
from shared.bus.message import Message, Order, order_of
from shared.commands import Cause
from shared.contracts.envelope import Event, Undecodable
from shared.errors import PredecessorMissing
from shared.storage import Storage, Transaction
from shared.storage.partition import partition_of
from shared.tracing import child_of

log = structlog.get_logger()

Result = TypeVar("Result")
React = Callable[[Transaction, Event], None]
Before = Callable[[Transaction, Sequence[Event]], None]
After = Callable[[Transaction], None]
Read = Callable[[Message], Event]

ATTEMPTS = 3
MAX_WAIT_S = 5.0


class Stopped(Exception):
    """The process ends while a message waits for the database; it stays unacknowledged."""


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """What a service does with events: ``react`` for each, ``before`` and ``after`` around a transaction's.

    ``read`` turns a message into the event; it raises :class:`Undecodable`.
    """

    react: React
    before: Before | None = None
    after: After | None = None
    read: Read = Message.event


class Processor:
    """Brings messages into a service's database."""

    def __init__(self, storage: Storage, *, attempts: int = ATTEMPTS, stop: threading.Event | None = None) -> None:
        """``stop`` ends the waiting for a database that is away."""
        self._storage = storage
        self._attempts = attempts
        self._stop = stop or threading.Event()

    def process(self, messages: Sequence[Message], hooks: Hooks) -> None:
        """Settle the messages in their order; raise :class:`Stopped` if told to stop while waiting."""
        for suspect, run in groupby(messages, key=lambda message: message.redelivered):
            if suspect:
                for message in run:
                    self._handle_suspect(message, hooks)
            else:
                self._handle_batch(list(run), hooks)

    def catch_up(self, bodies: Iterable[str], queue: str, hooks: Hooks) -> None:
        """Settle events that were read from a producer's log."""
        self._handle_batch([Message(queue=queue, body=body.encode()) for body in bodies], hooks)

    def _handle_batch(self, messages: list[Message], hooks: Hooks) -> None:
        orders = {index: order for index, m in enumerate(messages) if (order := self._order(m)) is not None}
        if orders:
            for index, message in enumerate(messages):
                self._handle_order(orders[index], hooks) if index in orders else self._handle_one(message, hooks)
            return
        try:
            self._patiently(lambda: self._transact(messages, hooks))
        except Stopped:
            raise
        except Exception as error:
            if len(messages) > 1:
                log.warning("batch_failed", messages=len(messages), error=describe(error))
            for message in messages:
                self._handle_one(message, hooks)

    def _handle_suspect(self, message: Message, hooks: Hooks) -> None:
        """A redelivered message may be the one that killed the process: alone, and counted before it's tried."""
        key = _key(message, hooks)
        attempts = self._patiently(lambda: self._counted(key))
        if attempts > self._attempts:
            reason = f"handled {attempts - 1} times, and each time the process died"
            self._bury(message, Failure(code="crashed", reason=reason, attempts=attempts), hooks)
        else:
            self._handle_batch([message], hooks)
        self._patiently(lambda: self._settled(key))

    def _handle_one(self, message: Message, hooks: Hooks) -> None:
        """Try a few times, then bury."""
        failure: Failure | None = None
        for number in range(1, self._attempts + 1):
            try:
                self._patiently(lambda: self._transact([message], hooks))
                return
            except Stopped:
                raise
            except PredecessorMissing as error:
                failure = Failure(code="predecessor_missing", reason=str(error), attempts=number)
                self._fill_gap(message, error, hooks)
            except Exception as error:
                failure = Failure(code="failed", reason=describe(error), attempts=number)
                log.warning("reaction_failed", attempt=number, error=failure.reason, queue=message.queue)
        assert failure is not None
        self._bury(message, failure, hooks)

    def _fill_gap(self, message: Message, error: PredecessorMissing, hooks: Hooks) -> None:
        """Read the subject's earlier events from the producer's log and handle those first."""
        event = hooks.read(message)
        service = error.service or _producer(event)
        before = event.sequence if error.subject == event.subject else None
        rows = self._storage.reader(service).of_subject(error.subject, before=before)
        log.warning("gap_filled", subject=error.subject, service=service, events=len(rows))
        for row in rows:
            self._transact([Message(queue=message.queue, body=row.body.encode())], hooks)

    def _transact(self, messages: Sequence[Message], hooks: Hooks) -> None:
        events, undecodable = _read(messages, hooks)
        with self._storage.locked({partition_of(event.branchid) for event, _ in events}) as tx:
            for message, why in undecodable:
                log.warning("dead_letter", queue=message.queue, code=why.code, reason=why.reason)
                deadletters.bury(tx, message, None, Failure(code=why.code, reason=why.reason))
            new = tx.receive(event.id for event, _ in events)
            fresh = [event for event, _ in events if event.id in new]
            if fresh:
                waiting = deadletters.blocked(tx, (event.subject for event in fresh))
                deadletters.park(tx, [event for event in fresh if event.subject in waiting])
                self._react(tx, [event for event in fresh if event.subject not in waiting], hooks)

    def _react(self, tx: Transaction, events: Sequence[Event], hooks: Hooks) -> None:
        if not events:
            return
        if hooks.before is not None:
            hooks.before(tx, events)
        for event in events:
            tx.cause = Cause(causationid=event.id, traceparent=_next_hop(event), actor=event.source)
            hooks.react(tx, event)
        if hooks.after is not None:
            hooks.after(tx)

    def _bury(
        self, message: Message, failure: Failure, hooks: Hooks, also: Callable[[Transaction], None] = lambda _tx: None
    ) -> None:
        try:
            event = hooks.read(message)
        except Undecodable:
            event = None
        log.error("dead_letter", queue=message.queue, code=failure.code, reason=failure.reason)

        def bury() -> None:
            with self._storage.transaction() as tx:
                also(tx)
                deadletters.bury(tx, message, event, failure)

        self._patiently(bury)

    def _order(self, message: Message) -> Order | None:
        try:
            return order_of(message)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def _handle_order(self, order: Order, hooks: Hooks) -> None:
        """Retry or discard a dead letter, then let go what waited behind it, in order."""
        letter = self._patiently(lambda: self._find(order.id))
        if letter is None:
            if order.message is not None and order.action == "retry":
                self._handle_one(order.message, hooks)
            return
        message = Message(queue=letter["queue"], body=letter["body"], content_type=letter["content_type"])
        if order.action == "retry":
            if not self._retry(order.id, message, hooks):
                return
        else:
            self._patiently(lambda: self._settle(order.id, "discarded"))
        if letter["subject"]:
            self._release(letter["subject"], letter["queue"], hooks)

    def _retry(self, id_: str, message: Message, hooks: Hooks) -> bool:
        try:
            event = hooks.read(message)
            self._patiently(lambda: self._react_alone(event, hooks, lambda tx: deadletters.settle(tx, id_, "resolved")))
            return True
        except Stopped:
            raise
        except Exception as error:
            code, reason = (error.code, error.reason) if isinstance(error, Undecodable) else ("failed", describe(error))
            self._patiently(lambda: self._settle(id_, Failure(code=code, reason=reason)))
            return False

    def _release(self, subject: str, queue: str, hooks: Hooks) -> None:
        while (row := self._patiently(lambda: self._first_parked(subject))) is not None:
            number, message = row["n"], Message(queue=queue, body=row["body"].encode())

            def unpark(tx: Transaction, number: int = number) -> None:
                deadletters.unpark(tx, number)

            try:
                event = hooks.read(message)
                self._patiently(partial(self._react_alone, event, hooks, unpark))
            except Stopped:
                raise
            except Exception as error:
                self._bury(message, Failure(code="failed", reason=describe(error)), hooks, also=unpark)
                return

    def _react_alone(self, event: Event, hooks: Hooks, also: Callable[[Transaction], None]) -> None:
        with self._storage.locked({partition_of(event.branchid)}) as tx:
            also(tx)
            tx.receive([event.id])
            self._react(tx, [event], hooks)

    def _find(self, id_: str) -> RowMapping | None:
        with self._storage.transaction() as tx:
            return deadletters.find(tx, id_)

    def _settle(self, id_: str, result: str | Failure) -> None:
        with self._storage.transaction() as tx:
            if isinstance(result, Failure):
                deadletters.failed_again(tx, id_, result)
            else:
                deadletters.settle(tx, id_, result)

    def _first_parked(self, subject: str) -> RowMapping | None:
        with self._storage.transaction() as tx:
            return deadletters.first_parked(tx, subject)

    def _counted(self, key: str) -> int:
        with self._storage.transaction() as tx:
            return deadletters.count_attempt(tx, key)

    def _settled(self, key: str) -> None:
        with self._storage.transaction() as tx:
            deadletters.forget_attempts(tx, key)

    def _patiently(self, work: Callable[[], Result]) -> Result:
        """Do the work, waiting out a database that is away; loudly, and for as long as it takes."""
        wait = 0.1
        while True:
            try:
                return work()
            except Exception as error:
                if not is_transient(error):
                    raise
                service = self._storage.service
                log.error("database_unavailable", service=service, retry_s=wait, error=describe(error))  # noqa: TRY400 - said every few seconds
                if self._stop.wait(wait):
                    raise Stopped from error
                wait = min(2 * wait, MAX_WAIT_S)


def _key(message: Message, hooks: Hooks) -> str:
    try:
        return hooks.read(message).id
    except Undecodable:
        return message.fingerprint


def _read(
    messages: Sequence[Message], hooks: Hooks
) -> tuple[list[tuple[Event, Message]], list[tuple[Message, Undecodable]]]:
    events: dict[str, tuple[Event, Message]] = {}
    undecodable: list[tuple[Message, Undecodable]] = []
    for message in messages:
        try:
            event = hooks.read(message)
            events.setdefault(event.id, (event, message))
        except Undecodable as why:
            undecodable.append((message, why))
    return list(events.values()), undecodable


def _producer(event: Event) -> str:
    return event.source.removeprefix("/services/") if event.source.startswith("/services/") else "gateway"


def _next_hop(event: Event) -> str | None:
    return child_of(event.traceparent) if event.traceparent else None
