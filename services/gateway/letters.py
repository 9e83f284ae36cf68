"""Dead letters: what the services could not handle, told to operators and sent back on their order."""

from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import RowMapping

from services.gateway import store
from services.gateway.errors import DeadLetterNotFound, DeadLetterSettled
from shared.bus import topology
from shared.bus.entrypoints import Orders
from shared.bus.message import Message, write_order
from shared.contracts.http.gateway import DeadLetterList, DeadLetterView
from shared.storage import Storage
from shared.web.tokens import Principal

SHOWN_BYTES = 20_000


def take(storage: Storage, messages: list[Message]) -> None:
    """Enter dead letters that arrived; a repeated one changes nothing."""
    with storage.transaction() as tx:
        for message in messages:
            store.put_letter(tx.connection, _values(message, tx.now))


def _values(message: Message, now: datetime) -> dict[str, Any]:
    name = message.header
    if name("lobby-id") is None:
        return _by_broker(message, now)
    attempts = message.headers.get("lobby-attempts")
    return {
        "id": name("lobby-id"),
        "service": name("lobby-service") or "?",
        "queue": name("lobby-queue") or "?",
        "code": name("lobby-code") or "failed",
        "reason": name("lobby-reason") or "",
        "attempts": attempts if isinstance(attempts, int) else 1,
        "state": name("lobby-state") or "parked",
        "at": datetime.fromisoformat(name("lobby-at") or now.isoformat()),
        "branch": name("lobby-branch"),
        "event_id": name("lobby-event-id"),
        "type": name("lobby-type"),
        "subject": name("lobby-subject"),
        "content_type": message.content_type,
        "by_broker": 0,
        "body": message.body,
    }


def _by_broker(message: Message, now: datetime) -> dict[str, Any]:
    """Return a letter that the broker parked itself: its delivery limit was reached."""
    queue = message.header("x-first-death-queue") or "?"
    return {
        "id": sha256(queue.encode() + message.body).hexdigest(),
        "service": [*queue.split("."), "?", "?"][1],
        "queue": queue,
        "code": "rejected_by_broker",
        "reason": f"the broker gave up: {message.header('x-first-death-reason') or 'unknown reason'}",
        "attempts": topology.DELIVERY_LIMIT,
        "state": "parked",
        "at": now,
        "branch": None,
        "event_id": None,
        "type": None,
        "subject": None,
        "content_type": message.content_type,
        "by_broker": 1,
        "body": message.body,
    }


def show(
    storage: Storage, principal: Principal, *, service: str | None, state: str | None, limit: int
) -> DeadLetterList:
    """Return the dead letters that the token covers."""
    branches = None if "*" in principal.branches else frozenset(principal.branches)
    with storage.read() as connection:
        rows = store.letters(connection, service=service, state=state, branches=branches, limit=limit)
    return DeadLetterList(dead_letters=tuple(_view(row) for row in rows))


def order(storage: Storage, orders: Orders, principal: Principal, id_: str, action: str) -> DeadLetterView:
    """Send a dead letter's fate to exactly the consumer that failed: retry or discard."""
    with storage.read() as connection:
        row = store.find_letter(connection, id_)
    if row is None:
        raise DeadLetterNotFound(f"no dead letter has the id {id_!r}")
    principal.require_branch(row["branch"] or "*")
    if row["state"] not in ("parked", "retried"):
        raise DeadLetterSettled(f"this dead letter is {row['state']}", state=row["state"], allowed=[])
    original = (row["body"], row["content_type"]) if row["by_broker"] else None
    orders.send(row["queue"], write_order(action, id_, original), id_)
    state = "retried" if action == "retry" else "discarded"
    with storage.transaction() as tx:
        store.mark_letter(tx.connection, row, state)
    return _view({**row, "state": state})


def _view(row: RowMapping | dict[str, Any]) -> DeadLetterView:
    values = {name: row[name] for name in DeadLetterView.model_fields if name != "body"}
    return DeadLetterView(**values, body=bytes(row["body"][:SHOWN_BYTES]).decode("utf-8", "replace"))
