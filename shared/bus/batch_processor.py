"""Settles the messages of one queue, in their order: nothing is lost, nothing is handled twice.

A message's way, from top to bottom: it is handled with the others of its batch in one transaction; if that fails, by
itself, a few times; then it becomes a dead letter, if need be of its bytes alone. When :meth:`BatchProcessor.process`
returns, every message is committed or a dead letter, and may be acknowledged.
"""

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from functools import partial
from itertools import groupby

import structlog

from shared.bus import dead_letters
from shared.bus.dead_letters import Failure, describe
from shared.bus.inbox import Inbox
from shared.bus.message import Message
from shared.bus.operator_commands import OperatorCommand, carry_out, read_operator_command
from shared.bus.retry import Cancelled
from shared.contracts.envelope import Event, Undecodable
from shared.errors import PredecessorMissing
from shared.settings import SERVICES
from shared.storage import Cursor, Storage

log = structlog.get_logger()

ATTEMPTS = 3


class BatchProcessor:
    """Brings the messages of a queue into the inbox."""

    def __init__(self, inbox: Inbox, *, attempts: int = ATTEMPTS) -> None:
        """A message that fails ``attempts`` times by itself is a dead letter."""
        self._inbox = inbox
        self._attempts = attempts

    def process(self, messages: Sequence[Message]) -> None:
        """Settle the messages; raise :class:`Cancelled` when told to stop while the database is away."""
        for redelivered, run in groupby(messages, key=lambda message: message.redelivered):
            if redelivered:
                for message in run:
                    self._settled(message, self._handle_suspect)
            else:
                self._handle_run(list(run))

    def _handle_suspect(self, message: Message) -> None:
        """Handle a redelivered message alone, its attempt counted before it is made: it may have killed the process."""
        key = self._key(message)
        attempts = self._inbox.record(partial(dead_letters.count_attempt, key=key))
        if attempts > self._attempts:
            reason = f"handled {attempts - 1} times, and each time the process died"
            failure = Failure(code="crashed", reason=reason, attempts=attempts)
            self._inbox.move_to_dead_letters(message, failure)
        else:
            self._handle_run([message])
        self._inbox.record(partial(dead_letters.forget_attempts, key=key))

    def _handle_run(self, messages: list[Message]) -> None:
        """Handle messages together, or one by one where an operator's command has its place among them."""
        commands = [read_operator_command(message) for message in messages]
        if not any(commands):
            self.handle_batch(messages)
            return
        for message, command in zip(messages, commands, strict=True):
            self._settled(message, self._handle_one if command is None else partial(self._carry_out, command))

    def _carry_out(self, command: OperatorCommand, message: Message) -> None:
        arrived = carry_out(command, self._inbox, queue=message.queue)
        if arrived is not None:
            self._handle_one(arrived)

    def _settled(self, message: Message, handle: Callable[[Message], None]) -> None:
        """Handle a message; if that fails in a way nobody thought of, keep its bytes: it must not hold up the others.

        What fails then, too, is no message's fault: a schema that is not migrated, for one.
        """
        try:
            handle(message)
        except Cancelled:
            raise
        except Exception as error:
            log.exception("message_unsettled", queue=message.queue)
            bytes_alone = Message(queue=message.queue, body=message.body, content_type=None)
            self._inbox.move_to_dead_letters(bytes_alone, Failure(code="unsettled", reason=describe(error)), read=False)

    def handle_batch(self, messages: Sequence[Message]) -> None:
        """Handle messages in one transaction; where that fails, one by one."""
        try:
            self._inbox.retry_until_available(lambda: self._inbox.handle(messages))
        except Cancelled:
            raise
        except Exception as error:
            if len(messages) > 1:
                log.warning("batch_failed", messages=len(messages), error=describe(error))
            for message in messages:
                self._settled(message, self._handle_one)

    def _handle_one(self, message: Message) -> None:
        """Try a few times, then make it a dead letter."""
        failure: Failure | None = None
        for number in range(1, self._attempts + 1):
            try:
                self._inbox.retry_until_available(lambda: self._inbox.handle([message]))
                return
            except Cancelled:
                raise
            except PredecessorMissing as error:
                failure = self._after_gap(message, error, number)
            except Exception as error:
                failure = Failure(code="failed", reason=describe(error), attempts=number)
                log.warning("event_handler_failed", attempt=number, error=failure.reason, queue=message.queue)
        assert failure is not None
        self._inbox.move_to_dead_letters(message, failure)

    def _after_gap(self, message: Message, error: PredecessorMissing, attempt: int) -> Failure:
        """Read what is missing before a message; return what it is a dead letter for if that doesn't help."""
        try:
            self._fill_gap(message, error)
        except Cancelled:
            raise
        except Exception as why:
            reason = f"{error}; what is missing could not be read: {describe(why)}"
            return Failure(code="predecessor_missing", reason=reason, attempts=attempt)
        return Failure(code="predecessor_missing", reason=str(error), attempts=attempt)

    def _fill_gap(self, message: Message, error: PredecessorMissing) -> None:
        """Read the subject's earlier events from the producer's log and handle those first."""
        event = self._inbox.event_of(message)
        service = error.service or _producer(event)
        before = event.sequence if error.subject == event.subject else None
        rows = self._inbox.storage.reader(service).of_subject(error.subject, before=before)
        log.warning("gap_filled", subject=error.subject, service=service, events=len(rows))
        for row in rows:
            self._inbox.handle([Message(queue=message.queue, body=row.body.encode())])

    def _key(self, message: Message) -> str:
        try:
            return self._inbox.event_of(message).key
        except Undecodable:
            return message.fingerprint


def _producer(event: Event) -> str:
    return event.source.removeprefix("/services/") if event.source.startswith("/services/") else "gateway"


BATCH_LIMIT = 200


def catch_up(storage: Storage, processor: BatchProcessor, patterns: Iterable[str]) -> int:
    """Handle what the producers' logs have behind this service's cursors; return how many events were read.

    ``patterns`` are the types that the service hears. The inbox knows those that arrived the ordinary way.
    """
    patterns, read = [pattern.replace("#", "*") for pattern in patterns], 0
    for producer in SERVICES:
        cursor = Cursor(f"from-{producer}")
        reader = storage.reader(producer)
        with storage.read() as connection:
            positions = cursor.load(connection)
        positions = {pp: positions.get(pp, 0) for pp, head in reader.heads().items() if head > positions.get(pp, 0)}
        while rows := reader.after(positions, limit=BATCH_LIMIT):
            bodies = [row.body for row in rows if row.own and any(fnmatchcase(row.type, p) for p in patterns)]
            queue = f"catch-up from {producer}"
            processor.process([Message(queue=queue, body=body.encode()) for body in bodies])
            read += len(bodies)
            positions.update({row.pp: row.pos for row in rows})
            with storage.transaction() as tx:
                cursor.save(tx.connection, positions)
    if read:
        log.info("caught_up", service=storage.service, events=read)
    return read
