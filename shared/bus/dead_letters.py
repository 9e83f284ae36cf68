"""Dead letters in a service's own database: what could not be handled, and what waits behind it."""

import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import RowMapping, delete, exists, insert, select, text, update

from shared.bus.message import Message
from shared.contracts.envelope import Event
from shared.storage import Transaction
from shared.storage.bulk import InArray
from shared.storage.tables import attempt, dead_letter, parked

REASON = 3000
"""The characters of a reason that are kept: some name what was sent, and that may be long."""
HEADERS_BYTES = 20_000


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a message is a dead letter. ``code`` is stable, ``reason`` is for people."""

    code: str
    reason: str
    attempts: int = 1


def describe(error: BaseException) -> str:
    """Return an exception for a dead letter: its text and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    where = " < ".join(
        f"{frame.name} ({frame.filename.rpartition('/')[2]}:{frame.lineno})" for frame in reversed(frames)
    )
    return f"{type(error).__name__}: {error}"[:2000] + (f" — in {where}" if where else "")


def move_to_dead_letters(tx: Transaction, message: Message, event: Event | None, failure: Failure) -> None:
    """Make a message a dead letter; if its event is known, later events of the subject wait behind it."""
    if event is None and message.redelivered and _is_known(tx, message):
        return
    if event is not None:
        tx.receive([event.key])
    tx.connection.execute(
        insert(dead_letter).values(
            id=tx.ids(),
            queue=message.queue,
            code=failure.code,
            reason=storable(failure.reason, REASON),
            attempts=failure.attempts,
            event_id=event.id if event else None,
            branch=event.branchid if event else None,
            type=event.type if event else None,
            subject=event.subject if event else None,
            body=message.body,
            content_type=storable(message.content_type or "", 255) or None,
            headers=_readable(message.headers),
            state="parked",
            blocks=event is not None,
            published=False,
            at=tx.now,
        )
    )


def _is_known(tx: Transaction, message: Message) -> bool:
    same = (dead_letter.c.queue == message.queue) & (dead_letter.c.body == message.body)
    return bool(tx.connection.execute(select(exists().where(same))).scalar())


def storable(text: str, limit: int) -> str:
    """Return text as every database takes it: no NUL, no half of a surrogate pair, not longer than ``limit``."""
    return text[:limit].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _readable(headers: Mapping[str, Any]) -> str:
    """Return the headers as JSON for people, as many as have room: they travel in a frame, which is limited."""
    kept: dict[str, str] = {}
    text = "{}"
    for name, value in list(headers.items())[:64]:
        kept[storable(str(name), 128)] = storable(str(value), 512)
        longer = orjson.dumps(kept).decode()
        if len(longer.encode()) > HEADERS_BYTES:
            break
        text = longer
    return text


_RECEIVE = text(
    "WITH new AS (INSERT INTO inbox (event_id, at) SELECT unnest(CAST(:ids AS text[])), CAST(:at AS timestamptz)"
    " ON CONFLICT DO NOTHING RETURNING event_id) "
    "SELECT event_id, NULL AS subject FROM new UNION ALL "
    "SELECT NULL, subject FROM dead_letter WHERE state = 'parked' AND blocks"
    " AND subject = ANY(CAST(:subjects AS text[]))"
)


def receive(tx: Transaction, events: Sequence[Event]) -> tuple[set[str], set[str]]:
    """Enter events into the inbox; return the ids of the new ones, and the subjects that later events wait behind.

    Each event asks both, so on PostgreSQL it is one statement.
    """
    if not events:
        return set(), set()
    if tx.connection.dialect.name == "sqlite":
        return tx.receive(event.key for event in events), blocked(tx, (event.subject for event in events))
    given = {"ids": [e.key for e in events], "subjects": list({e.subject for e in events}), "at": tx.now}
    found = tx.connection.execute(_RECEIVE, given).all()
    return {id_ for id_, _ in found if id_ is not None}, {subject for _, subject in found if subject is not None}


_BLOCKED = InArray(
    select(dead_letter.c.subject).where(dead_letter.c.state == "parked", dead_letter.c.blocks), dead_letter.c.subject
)


def blocked(tx: Transaction, subjects: Iterable[str]) -> set[str]:
    """Return which of the subjects have a dead letter that later events wait behind."""
    found = _BLOCKED.execute(tx.connection, set(subjects)).scalars()
    return {subject for subject in found if subject}


def park(tx: Transaction, events: Iterable[Event]) -> None:
    """Let events wait behind the dead letter of their subject."""
    rows = [{"event_id": e.key, "subject": e.subject, "body": e.to_json().decode()} for e in events]
    if rows:
        tx.connection.execute(insert(parked), rows)


def find(tx: Transaction, id_: str) -> RowMapping | None:
    """Return a parked dead letter of this service."""
    query = select(dead_letter).where(dead_letter.c.id == id_, dead_letter.c.state == "parked")
    return tx.connection.execute(query).mappings().one_or_none()


def settle(tx: Transaction, id_: str, state: str) -> None:
    """Say that a dead letter is resolved or discarded; the gateway is told."""
    tx.connection.execute(
        update(dead_letter).where(dead_letter.c.id == id_).values(state=state, published=False, blocks=False)
    )


def failed_again(tx: Transaction, id_: str, failure: Failure) -> None:
    """Count another attempt of a dead letter."""
    tx.connection.execute(
        update(dead_letter)
        .where(dead_letter.c.id == id_)
        .values(
            reason=storable(failure.reason, REASON),
            code=failure.code,
            attempts=dead_letter.c.attempts + failure.attempts,
            published=False,
        )
    )


def first_parked(tx: Transaction, subject: str) -> RowMapping | None:
    """Return the first event that waits for the subject."""
    query = select(parked).where(parked.c.subject == subject).order_by(parked.c.n).limit(1)
    return tx.connection.execute(query).mappings().one_or_none()


def unpark(tx: Transaction, number: int) -> None:
    """The event waits no more."""
    tx.connection.execute(delete(parked).where(parked.c.n == number))


def count_attempt(tx: Transaction, key: str) -> int:
    """Count an attempt at a redelivered message, before it is made; return how many there are now."""
    done = tx.connection.execute(select(attempt.c.attempts).where(attempt.c.message == key)).scalar()
    if done is None:
        tx.connection.execute(insert(attempt).values(message=key, attempts=1))
        return 1
    tx.connection.execute(update(attempt).where(attempt.c.message == key).values(attempts=done + 1))
    return int(done) + 1


def forget_attempts(tx: Transaction, key: str) -> None:
    """The message is settled."""
    tx.connection.execute(delete(attempt).where(attempt.c.message == key))
