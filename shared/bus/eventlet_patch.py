"""Makes the process cooperative: the first thing that a process which runs nameko containers does.

Import nothing that opens sockets, starts threads or takes locks before calling :func:`patch`.
"""

import warnings
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

_patched = False


def patch() -> None:
    """Monkey-patch the standard library for eventlet, once; psycopg waits cooperatively from then on.

    psycopg's C implementation blocks the hub while it waits, and its Python ones make a selector for
    each wait, which under eventlet costs more than a statement does: the wait is ours.
    """
    global _patched
    if _patched:
        return
    _patched = True
    with warnings.catch_warnings():
        # Eventlet announces its end in a warning at import; nameko 2 knows no other hub.
        warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
        import eventlet
    eventlet.monkey_patch()
    from psycopg import waiting

    waiting.wait = _make_wait()


def _make_wait() -> Callable[..., Any]:
    """Return psycopg's ``wait`` for green threads; it has the signature and the errors of the original."""
    from eventlet import hubs
    from eventlet.green import select as green
    from eventlet.patcher import original
    from psycopg import OperationalError, errors
    from psycopg.waiting import READY_R, READY_W, WAIT_R, WAIT_RW, WAIT_W, Wait

    select = original("select")
    events = {WAIT_R: select.POLLIN, WAIT_W: select.POLLOUT, WAIT_RW: select.POLLIN | select.POLLOUT}

    def is_ready(fileno: int, wanted: Wait) -> int:
        """Return what the socket is ready for now, without the hub."""
        poll = select.poll()
        poll.register(fileno, events[wanted])
        found = poll.poll(0)
        if not found:
            return 0
        event = found[0][1]
        ready = (READY_R if event & select.POLLIN else 0) | (READY_W if event & select.POLLOUT else 0)
        return ready or READY_R  # a broken socket: reading tells what is wrong

    def sleep(fileno: int, wanted: Wait, seconds: float | None) -> None:
        """Let other green threads run until the socket is ready, or for so long."""
        if wanted == WAIT_RW:  # the hub's own wait is for one of them
            green.select([fileno], [fileno], [], seconds)
            return
        with suppress(TimeoutError):
            hubs.trampoline(
                fileno, read=wanted == WAIT_R, write=wanted == WAIT_W, timeout=seconds, timeout_exc=TimeoutError
            )

    def wait(gen: Any, fileno: int, interval: float = 0.0, timeout: float | None = None) -> Any:
        until = None if timeout is None else monotonic() + timeout
        try:
            wanted = next(gen)
            while True:
                ready = is_ready(fileno, wanted)
                if not ready:
                    sleep(fileno, wanted, None if until is None else max(0.0, until - monotonic()))
                    ready = is_ready(fileno, wanted)
                wanted = gen.send(ready)
                if until is not None and monotonic() >= until:
                    raise errors._WaitTimeout("wait timeout expired")
        except StopIteration as end:
            return end.value
        except OSError as error:
            raise OperationalError("connection socket closed") from error

    return wait
