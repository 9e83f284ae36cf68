"""Dead letters: what the services could not handle, told to operators and retried or discarded at their command."""

import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, get_args

from sqlalchemy import RowMapping

from services.gateway import store
from services.gateway.errors import DeadLetterNotFound, DeadLetterSettled
from shared.bus import topology
from shared.bus.dead_letters import REASON, storable
from shared.bus.message import Message
from shared.bus.operator_commands import OperatorCommandSender, write_operator_command
from shared.contracts.base import in_years
from shared.contracts.http.gateway import DeadLetterList, DeadLetterView
from shared.storage import Storage
from shared.web.tokens import Principal

SHOWN_BYTES = 20_000
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_MANY = 2**31


def collect(storage: Storage, messages: Sequence[Message]) -> None:
    """Enter dead letters that arrived; a repeated one changes nothing."""
    with storage.transaction() as tx:
        for message in messages:
            store.put_dead_letter(tx.connection, _values(message, tx.now))


def _values(message: Message, now: datetime) -> dict[str, Any]:
    if _deaths(message) or not _ID.fullmatch(message.header("lobby-id") or ""):
        return _by_broker(message, now)
    attempts = message.headers.get("lobby-attempts")
    state = _header(message, "state", 16)
    return {
        "id": message.header("lobby-id"),
        "service": _header(message, "service", 32) or "?",
        "queue": _header(message, "queue", 128) or "?",
        "code": _header(message, "code", 64) or "failed",
        "reason": _header(message, "reason", REASON) or "",
        "attempts": attempts if isinstance(attempts, int) and 0 < attempts < _MANY else 1,
        "state": state if state in get_args(DeadLetterView.model_fields["state"].annotation) else "parked",
        "at": _instant(_header(message, "at", 64), now),
        "branch": _header(message, "branch", 32),
        "event_id": _header(message, "event-id", 128),
        "type": _header(message, "type", 128),
        "subject": _header(message, "subject", 128),
        "content_type": storable(message.content_type or "", 255) or None,
        "by_broker": 0,
        "body": message.body[:SHOWN_BYTES],  # the service that failed has all of it
    }


def _header(message: Message, name: str, limit: int) -> str | None:
    value = message.header(f"lobby-{name}")
    return None if value is None else storable(value, limit)


def _instant(text: str | None, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return now
    return at if at.tzinfo is not None and in_years(at) else now


def _deaths(message: Message) -> list[dict[str, Any]]:
    """Return the broker's record of why it parked a message, the last time first.

    ``x-first-death-queue`` would say it too, but the broker leaves it as whoever published has set it.
    """
    deaths = message.headers.get("x-death")
    return [death for death in deaths if isinstance(death, dict)] if isinstance(deaths, list) else []


def _by_broker(message: Message, now: datetime) -> dict[str, Any]:
    """Return a letter that the broker parked itself: its delivery limit was reached."""
    death = next(iter(_deaths(message)), {})
    queue = storable(str(death.get("queue") or "?"), 128)
    reason = storable(str(death.get("reason") or "unknown reason"), 64)
    return {
        "id": sha256(queue.encode() + message.body).hexdigest(),
        "service": [*queue.split("."), "?", "?"][1][:32],
        "queue": queue,
        "code": "rejected_by_broker",
        "reason": f"the broker gave up after {topology.DELIVERY_LIMIT} deliveries: {reason}",
        "attempts": topology.DELIVERY_LIMIT,
        "state": "parked",
        "at": now,
        "branch": None,
        "event_id": None,
        "type": None,
        "subject": None,
        "content_type": storable(message.content_type or "", 255) or None,
        "by_broker": 1,
        "body": message.body,
    }


def show(
    storage: Storage, principal: Principal, *, service: str | None, state: str | None, limit: int
) -> DeadLetterList:
    """Return the dead letters that the token covers."""
    branches = None if "*" in principal.branches else frozenset(principal.branches)
    with storage.read() as connection:
        rows = store.list_dead_letters(connection, service=service, state=state, branches=branches, limit=limit)
    return DeadLetterList(dead_letters=tuple(_view(row) for row in rows))


def command(
    storage: Storage, sender: OperatorCommandSender, principal: Principal, id_: str, action: str
) -> DeadLetterView:
    """Send a dead letter's fate to exactly the consumer that failed: retry or discard."""
    with storage.read() as connection:
        row = store.find_dead_letter(connection, id_)
    if row is None:
        raise DeadLetterNotFound(f"no dead letter has the id {id_!r}")
    principal.require_branch(row["branch"] or "*")
    if row["state"] not in ("parked", "retried"):
        raise DeadLetterSettled(f"this dead letter is {row['state']}", state=row["state"], allowed=[])
    original = (row["body"], row["content_type"]) if row["by_broker"] else None
    sender.send(row["queue"], write_operator_command(action, id_, original), id_)
    state = "retried" if action == "retry" else "discarded"
    with storage.transaction() as tx:
        store.mark_dead_letter(tx.connection, row, state)
    return _view({**row, "state": state})


def _view(row: RowMapping | dict[str, Any]) -> DeadLetterView:
    values = {name: row[name] for name in DeadLetterView.model_fields if name != "body"}
    return DeadLetterView(**values, body=bytes(row["body"][:SHOWN_BYTES]).decode("utf-8", "replace"))
