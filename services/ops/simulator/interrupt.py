"""Ctrl-C and SIGTERM: asked to stop, then made to."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import TypeVar

from services.ops.errors import CommandError

Answer = TypeVar("Answer")

LOOK_S = 0.5
GRACE_S = 2.0
"""How long a run may take to stop by itself."""


class Interrupted(CommandError):
    """Ctrl-C or SIGTERM ended the run before its last customer."""

    exit_code = 130


async def until_told(run: Callable[[asyncio.Event], Coroutine[None, None, Answer]], parent: int | None) -> Answer:
    """Run with an event that a signal sets, or the end of the parent process; a run that doesn't heed it is cancelled.

    Raises :class:`Interrupted` then.
    """
    stop = asyncio.Event()
    watching = asyncio.create_task(_outlive_not(parent, stop))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    work = asyncio.create_task(run(stop))
    told = asyncio.create_task(stop.wait())
    await asyncio.wait([work, told], return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    watching.cancel()
    if not work.done():
        await asyncio.wait([work], timeout=GRACE_S)
    if not work.done():
        work.cancel()
        await asyncio.wait([work])
        raise Interrupted("interrupted; nothing is known of how far it came")
    return work.result()


async def _outlive_not(parent: int | None, stop: asyncio.Event) -> None:
    """Set the event when the parent process is no more, however it ended."""
    while parent is not None and os.getppid() == parent:
        await asyncio.sleep(LOOK_S)
    if parent is not None:
        stop.set()
