"""Handles the messages of one queue: in batches, each in one transaction, nothing lost, nothing twice.

Knows neither nameko nor kombu. When :meth:`Processor.process` returns, every message is settled
(committed, or a dead letter) and may be acknowledged.
"""

import threading
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import groupby

import structlog

from shared.bus import deadletters
from shared.bus.deadletters import Failure
from shared.bus.failures import describe
from shared.bus.message import Message
from shared.bus.orders import OperatorOrders, read_order
from shared.bus.reaction import Hooks, Reactions, Stopped
from shared.contracts.envelope import Event, Undecodable
from shared.errors import PredecessorMissing
from shared.storage import Storage

log = structlog.get_logger()

ATTEMPTS = 3


class Processor:
    """Brings messages into a service's database."""

    def __init__(self, storage: Storage, *, attempts: int = ATTEMPTS, stop: threading.Event | None = None) -> None:
        """``stop`` ends the waiting for a database that is away."""
        self._storage = storage
        self._attempts = attempts
        self._reactions = Reactions(storage, stop or threading.Event())
        self._orders = OperatorOrders(self._reactions, self._handle_one)

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
        orders = {index: order for index, m in enumerate(messages) if (order := read_order(m)) is not None}
        if orders:
            for index, message in enumerate(messages):
                if index in orders:
                    self._orders.carry_out(orders[index], hooks)
                else:
                    self._handle_one(message, hooks)
            return
        try:
            self._reactions.patiently(lambda: self._reactions.together(messages, hooks))
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
        attempts = self._reactions.record(partial(deadletters.count_attempt, key=key))
        if attempts > self._attempts:
            reason = f"handled {attempts - 1} times, and each time the process died"
            self._reactions.bury(message, Failure(code="crashed", reason=reason, attempts=attempts), hooks)
        else:
            self._handle_batch([message], hooks)
        self._reactions.record(partial(deadletters.forget_attempts, key=key))

    def _handle_one(self, message: Message, hooks: Hooks) -> None:
        """Try a few times, then bury."""
        failure: Failure | None = None
        for number in range(1, self._attempts + 1):
            try:
                self._reactions.patiently(lambda: self._reactions.together([message], hooks))
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
        self._reactions.bury(message, failure, hooks)

    def _fill_gap(self, message: Message, error: PredecessorMissing, hooks: Hooks) -> None:
        """Read the subject's earlier events from the producer's log and handle those first."""
        event = hooks.event_of(message)
        service = error.service or _producer(event)
        before = event.sequence if error.subject == event.subject else None
        rows = self._storage.reader(service).of_subject(error.subject, before=before)
        log.warning("gap_filled", subject=error.subject, service=service, events=len(rows))
        for row in rows:
            self._reactions.together([Message(queue=message.queue, body=row.body.encode())], hooks)


def _key(message: Message, hooks: Hooks) -> str:
    try:
        return hooks.event_of(message).id
    except Undecodable:
        return message.fingerprint


def _producer(event: Event) -> str:
    return event.source.removeprefix("/services/") if event.source.startswith("/services/") else "gateway"
