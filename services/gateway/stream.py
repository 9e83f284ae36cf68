"""The live stream: a cursor over the gateway's log, which holds what every service said."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

import orjson

from services.gateway import store
from services.gateway.branch_tails import BranchTail, BranchTails, TailEvent
from services.gateway.errors import StreamPositionGone
from shared.errors import InvalidInput
from shared.ids import partition_of
from shared.storage import Storage
from shared.storage import log as logs

PAGE_LIMIT = 200
WAIT_S = 1.0
SHOWN_ATTRIBUTES = ("specversion", "id", "source", "type", "time", "branchid", "datacontenttype")
"""What of an event's envelope goes with single fields of its data: not its subject, cause and visit."""
POSITION_DIGITS_LIMIT = 18
"""Digits of a position; int() refuses thousands of them with an error of its own."""

Item = tuple[str, str, bytes]
Allowed = Mapping[str, tuple[str, ...]] | None
"""The event types that a follower may see, with the fields of each; no fields: all; None: every event."""


def events(
    tails: BranchTails, branch: str, *, after: str | None, types: str | None, allowed: Allowed = None
) -> Iterator[Item | None]:
    """Yield the branch's events behind a position, for ever; None when there is nothing new yet.

    The position is the event's in its partition of the log, so nothing can appear behind one that
    was given out.
    """
    pp = partition_of(branch)
    position, head = _start(tails.storage, pp, after)
    patterns = [pattern.strip() for pattern in (types or "").split(",") if pattern.strip()]
    return _follow(tails, branch, position, head, patterns, allowed)


def _start(storage: Storage, pp: int, after: str | None) -> tuple[int, int]:
    """Return the position to begin behind, and the last one."""
    with storage.read() as connection:
        head = logs.heads(connection).get(pp, 0)
        if after is None:
            return head, head
        if not after.isdecimal() or len(after) > POSITION_DIGITS_LIMIT or int(after) > head:
            raise InvalidInput(
                f"Last-Event-ID {after!r} is no position of this stream",
                errors=[{"field": "Last-Event-ID", "message": f"a whole number up to {head} is needed"}],
            )
        if not store.held(connection, pp, int(after)):
            raise StreamPositionGone(f"not all behind {after} is held; leave Last-Event-ID out to begin with now")
    return int(after), head


def _follow(
    tails: BranchTails, branch: str, position: int, head: int, patterns: list[str], allowed: Allowed
) -> Iterator[Item | None]:
    notifier = tails.notifier
    with tails.followed(branch, partition_of(branch), head) as tail:
        while True:
            count = notifier.count(branch)  # before the look: what is told after it must not be waited out
            found = tail.after(position)
            if found is None:
                found, position = _read_log(tails.storage, branch, position, tail)
            for event in found:
                position = max(position, event.pos)
                if allowed is not None and event.type not in allowed:
                    continue
                if not patterns or any(fnmatchcase(event.type, pattern) for pattern in patterns):
                    yield str(event.pos), event.type, _shown(event, allowed)
            if not found:
                notifier.wait(branch, count, WAIT_S)
                yield None


def _read_log(storage: Storage, branch: str, position: int, tail: BranchTail) -> tuple[Sequence[TailEvent], int]:
    """Return a page of events that the tail does not hold any more, or not yet, and the position that they lead to."""
    floor = tail.floor  # as it is before the read: by then all up to here has been committed
    with storage.read() as connection:
        rows = logs.after(connection, {partition_of(branch): position}, limit=PAGE_LIMIT, branches=[branch])
    found = [TailEvent(pos=row.pos, type=row.type, body=row.body.encode(), at=0.0) for row in rows]
    return found, position if len(rows) == PAGE_LIMIT else max(position, floor)


def _shown(event: TailEvent, allowed: Allowed) -> bytes:
    """Return the event's body with nothing but the fields that may be seen: no ids that lead to a customer."""
    fields = allowed[event.type] if allowed is not None else ()
    if not fields:
        return event.body
    whole = orjson.loads(event.body)
    shown = {name: whole[name] for name in SHOWN_ATTRIBUTES if name in whole}
    return orjson.dumps({**shown, "data": {name: whole["data"].get(name) for name in fields}})
