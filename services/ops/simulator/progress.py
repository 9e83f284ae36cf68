"""How far a run is, for the person who watches it."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.ops.simulator.client import Client
from services.ops.simulator.world import World


class Display(Protocol):
    """Shows a sentence about the run, every so often."""

    every_s: float

    def start(self, total: int | None) -> None:
        """Begin; ``total`` customers will come, if that's known."""
        ...

    def show(self, gone: int, text: str) -> None:
        """So many customers have gone; ``text`` says more."""
        ...

    def end(self) -> None:
        """The run is over."""
        ...


class Bar:
    """A progress bar, on a terminal."""

    every_s = 0.25

    def __init__(self) -> None:
        """Draw on standard error: standard output is for the summary."""
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("", total=None)

    def start(self, total: int | None) -> None:
        """Draw the bar."""
        self._progress.update(self._task, total=total)
        self._progress.start()

    def show(self, gone: int, text: str) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=gone, description=text)

    def end(self) -> None:
        """Wipe the bar."""
        self._progress.stop()


class Lines:
    """A line on standard error every few seconds, for logs and pipes."""

    every_s = 5.0

    def start(self, total: int | None) -> None:
        """Say how many come."""
        self._total = "" if total is None else f" of {total}"

    def show(self, gone: int, text: str) -> None:
        """Write a line."""
        sys.stderr.write(f"simulate: {gone}{self._total} customers gone, {text}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Nothing is left to say."""


class Silence:
    """Nothing, for a child whose parent speaks for it."""

    every_s = 60.0

    def start(self, total: int | None) -> None:
        """Say nothing."""

    def show(self, gone: int, text: str) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""


@asynccontextmanager
async def watch(worlds: Sequence[World], client: Client, display: Display) -> AsyncIterator[None]:
    """Keep the display going while the block runs."""
    known = [world.customers for world in worlds if world.customers is not None]
    display.start(sum(known) if len(known) == len(worlds) else None)
    task = asyncio.create_task(_keep_showing(worlds, client, display))
    try:
        yield
    finally:
        task.cancel()
        display.end()


async def _keep_showing(worlds: Sequence[World], client: Client, display: Display) -> None:
    asked, at = 0, time.monotonic()
    while True:
        await asyncio.sleep(display.every_s)
        now, requests = time.monotonic(), client.requests
        display.show(sum(world.gone for world in worlds), _text(worlds, client, (requests - asked) / (now - at)))
        asked, at = requests, now


def _text(worlds: Sequence[World], client: Client, rate: float) -> str:
    inside = sum(len(world.in_progress) for world in worlds)
    served = sum(world.busy for world in worlds)
    business = worlds[0].timeline.now().astimezone(worlds[0].timeline.origin.tzinfo)
    text = (
        f"{business:%m-%d %H:%M}, {inside - min(inside, served)} waiting, {served} being served, {rate:.0f} requests/s"
    )
    return f"{text}, {client.retries} retries" if client.retries else text
