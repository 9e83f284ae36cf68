"""The live stream: a cursor over the gateway's log, which holds what every service said."""

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

from services.gateway import store
from services.gateway.errors import StreamPositionGone
from shared.errors import InvalidInput
from shared.storage import Storage
from shared.storage import log as logs
from shared.storage.partition import partition_of

PAGE = 200
WAIT_S = 1.0
LONGEST = 18
"""Digits of a position; int() refuses thousands of them with an error of its own."""

Item = tuple[str, str, bytes]


def events(
    storage: Storage, branch: str, *, after: str | None, types: str | None, wait: Callable[[str, float], object]
) -> Iterator[Item | None]:
    """Yield the branch's events behind a position, for ever; None when there is nothing new yet.

    The position is the event's in its partition of the log, so nothing can appear behind one that
    was given out. ``wait`` sleeps until something happens in the branch.
    """
    pp = partition_of(branch)
    position = _start(storage, pp, after)
    wanted = [pattern.strip() for pattern in (types or "").split(",") if pattern.strip()]
    return _follow(storage, branch, pp, position, wanted, wait)


def _start(storage: Storage, pp: int, after: str | None) -> int:
    with storage.read() as connection:
        head = logs.heads(connection).get(pp, 0)
        if after is None:
            return head
        if not after.isdecimal() or len(after) > LONGEST or int(after) > head:
            raise InvalidInput(
                f"Last-Event-ID {after!r} is no position of this stream",
                errors=[{"field": "Last-Event-ID", "message": f"a whole number up to {head} is needed"}],
            )
        if not store.held(connection, pp, int(after)):
            raise StreamPositionGone(f"not all behind {after} is held; leave Last-Event-ID out to begin with now")
    return int(after)


def _follow(
    storage: Storage, branch: str, pp: int, position: int, wanted: list[str], wait: Callable[[str, float], object]
) -> Iterator[Item | None]:
    while True:
        with storage.read() as connection:
            rows = logs.after(connection, {pp: position}, limit=PAGE, branch=branch)
        for row in rows:
            position = row.pos
            if not wanted or any(fnmatchcase(row.type, pattern) for pattern in wanted):
                yield str(row.pos), row.type, row.body.encode()
        if not rows:
            wait(branch, WAIT_S)
            yield None
