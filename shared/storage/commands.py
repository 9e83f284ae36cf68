"""Carrying out commands: each once, and those that wait at the same time in one transaction with one commit.

A commit waits for the disk, and a transaction's first and last statements cost the same for one command
as for ten. While one transaction runs, the commands that arrive meanwhile queue up; whoever is next
carries out all of them. A quiet system commits each command by itself, a busy one many at a time.

Nobody waits there for a branch that somebody else keeps for long: such commands go to a second lane, which does.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from shared.clock import Clock
from shared.commands import Command, Replayed
from shared.errors import InvalidInput
from shared.ids import partition_of
from shared.storage import bulk
from shared.storage.engine import is_transient
from shared.storage.tables import idempotency
from shared.storage.transaction import Transaction

UseCase = Callable[[Transaction], BaseModel | None]

GROUP_LIMIT = 32
"""Commands of one transaction."""


class Transactions(Protocol):
    """What commands need of the storage."""

    clock: Clock

    def transaction(self, *branches: str, wait: bool = True) -> AbstractContextManager[Transaction]:
        """Begin a transaction that may append to these branches."""
        ...


class IdempotencyKeyReused(InvalidInput):
    """The Idempotency-Key was used for another request before."""

    code = "idempotency_key_reused"


@dataclass(eq=False)
class _Work:
    """A command on its way, and what became of it."""

    command: Command
    use_case: UseCase
    answer: BaseModel | Replayed | None = None
    error: Exception | None = None
    settled: bool = False
    postponed: bool = False

    def settle(self, answer: BaseModel | Replayed | None = None, error: Exception | None = None) -> None:
        self.answer, self.error, self.settled = answer, error, True


class _CannotGoOn(Exception):
    """One of several commands failed after it had changed something: the transaction is of no use."""


class Commands:
    """The commands of one storage: in a lane that waits for no branch long, or in the one for those that must."""

    def __init__(self, storage: Transactions) -> None:
        """Nobody waits."""
        self._quick, self._patient = _Lane(storage, patient=False), _Lane(storage, patient=True)

    def execute(self, command: Command, use_case: UseCase) -> Any:
        """Carry out a command once, and return its answer; raise what ``use_case`` raises, nothing changed."""
        work = _Work(command, use_case)
        # Where others wait for a branch that another process has, a try without waiting is a transaction in vain.
        work.postponed = partition_of(command.branch) in self._patient.partitions
        if not work.postponed:
            self._quick.carry_out(work)
        if work.postponed:
            self._patient.carry_out(work)
        if work.error is not None:
            raise work.error
        return work.answer


@dataclass(eq=False)
class _Lane:
    storage: Transactions
    patient: bool
    waiting: "deque[_Work]" = field(default_factory=deque)
    turn: threading.Lock = field(default_factory=threading.Lock)
    partitions: list[int] = field(default_factory=list)
    """Of the commands that are in this lane, each one's."""

    def carry_out(self, work: _Work) -> None:
        """Return when the work is settled, or postponed: by this thread, or by the one whose turn came first."""
        pp = partition_of(work.command.branch)
        self.partitions.append(pp)
        try:
            self._carry_out(work)
        finally:
            self.partitions.remove(pp)

    def _carry_out(self, work: _Work) -> None:
        self.waiting.append(work)
        with self.turn:
            while self._is_open(work):
                group = [self.waiting.popleft() for _ in range(min(GROUP_LIMIT, len(self.waiting)))]
                try:
                    self._together(group)
                finally:  # a thread that is killed leaves the others' work to the next
                    self.waiting.extendleft(reversed([w for w in group if self._is_open(w) and w is not work]))

    def _is_open(self, work: _Work) -> bool:
        return not work.settled and (self.patient or not work.postponed)

    def _together(self, group: Sequence[_Work]) -> None:
        try:
            self._transact(group)
        except Exception as error:
            if len(group) == 1 or is_transient(error):  # the database's failure is all's
                for work in group:
                    work.settle(error=error)
                return
            for work in group:  # each by itself, so that nobody fails for somebody else's reason
                self._together([work])

    def _transact(self, group: Sequence[_Work]) -> None:
        branches = {work.command.branch for work in group}
        results: list[tuple[_Work, BaseModel | Replayed | None, Exception | None]] = []
        with self.storage.transaction(*branches, wait=self.patient) as tx:
            mine = [work for work in group if partition_of(work.command.branch) in tx.heads]
            answers = _Answers(tx, [work.command for work in mine])
            for work in mine:
                results.append((work, *self._one(tx, answers, work, alone=len(group) == 1)))
            answers.write()
        for work in group:
            work.postponed = work not in mine
        for work, answer, error in results:
            work.settle(answer, error)

    def _one(
        self, tx: Transaction, answers: "_Answers", work: _Work, *, alone: bool
    ) -> tuple[BaseModel | Replayed | None, Exception | None]:
        """Carry out one; a refusal is its result, so long as it came before anything was changed."""
        mark = tx.begin_command(work.command.cause, self.storage.clock.now())
        try:
            answer = answers.before(work.command)
            if answer is None:
                made = work.use_case(tx)
                answers.keep(work.command, made, tx.now)
                return made, None
            return answer, None
        except Exception as error:
            if alone or is_transient(error):
                raise
            if isinstance(error, SQLAlchemyError) or not tx.rollback_to(mark):
                raise _CannotGoOn from error
            return None, error


class _Answers:
    """The answers that were given to these commands' keys before, and those that are given now."""

    def __init__(self, tx: Transaction, commands: Sequence[Command]) -> None:
        self._tx = tx
        self._new: list[dict[str, Any]] = []
        self._known: dict[tuple[str, str], tuple[str, str | None]] = {}
        keys = {(command.actor, command.key) for command in commands if command.key is not None}
        if keys:
            for row in bulk.answers(tx.connection, sorted(keys)):
                self._known[row.actor, row.key] = (row.fingerprint, row.body)

    def before(self, command: Command) -> Replayed | None:
        """Return the first answer to a repeated request; raise :class:`IdempotencyKeyReused` for another one."""
        if command.key is None or (known := self._known.get((command.actor, command.key))) is None:
            return None
        fingerprint, body = known
        if fingerprint != command.fingerprint:
            raise _reused(command.key)
        return Replayed(status=204, body=b"") if body is None else Replayed(status=command.status, body=body.encode())

    def keep(self, command: Command, answer: BaseModel | None, at: datetime) -> None:
        """Remember an answer for the same key."""
        if command.key is None:
            return
        body = None if answer is None else answer.model_dump_json()
        self._known[command.actor, command.key] = (command.fingerprint, body)
        self._new.append(
            {"actor": command.actor, "key": command.key, "fingerprint": command.fingerprint, "body": body, "at": at}
        )

    def write(self) -> None:
        """Store the new ones; raise IdempotencyKeyReused where another branch's request took the key meanwhile."""
        if self._new:
            connection = self._tx.connection
            try:
                bulk.insert_rows(connection, idempotency, self._new)
            except IntegrityError as error:
                raise _reused(self._new[-1]["key"]) from error


def _reused(key: str) -> IdempotencyKeyReused:
    return IdempotencyKeyReused(f"Idempotency-Key {key!r} was used for another request before")
