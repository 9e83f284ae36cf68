"""Runs services in this process until it's told to end: the part of ``lobby up`` and ``lobby serve`` that knows nameko.

nameko's own command line needs pkg_resources and settings of its own, so processes start from here.
"""

import gc
import signal
import time
from collections.abc import Callable, Sequence
from types import FrameType

import eventlet
import structlog
from nameko.runners import ServiceRunner

from shared.bus.topology import Topology
from shared.settings import Settings

START_S = 60.0
"""How long services may take to be ready; a broker that is away is waited for after that point."""
STOP_S = 6.0
"""How long services may take to finish what they have in hand."""
POLL_INTERVAL_S = 0.1
MAX_WORKERS = 32
"""Calls, batches and timers of one service at the same time; more wait their turn."""
YOUNG_OBJECTS_LIMIT = 10_000
"""New objects before the collector looks at the youngest: one ticket makes thousands that end with it."""

log = structlog.get_logger()


class ServiceDied(Exception):
    """A service ended by itself; its text says why."""


def run_until_told(
    settings: Settings,
    services: Sequence[type],
    topology: Topology,
    *,
    on_ready: Callable[[], None],
    while_running: Callable[[], None],
    stop_s: float = STOP_S,
) -> None:
    """Start the services, call ``on_ready``, then ``while_running`` now and then until SIGINT or SIGTERM; stop.

    Raises what a service's start raised, and :class:`ServiceDied` when one ends by itself.
    """
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda signum, _frame: signals.append(signum))
    runner = ServiceRunner({"settings": settings, "topology": topology, "max_workers": MAX_WORKERS})
    for service in services:
        runner.add_service(service)
    try:
        _start(runner, signals)
    except BaseException:
        _kill(runner)  # stopping what was never started would hide why
        raise
    try:
        if not signals:
            _freeze_long_lived_objects()
            on_ready()
            _watch(runner, signals, while_running)
    finally:
        _stop(runner, stop_s)


def _start(runner: ServiceRunner, signals: list[int]) -> None:
    """Start the services; raise what one of them raises, and :class:`ServiceDied` when one takes for ever."""
    starting = eventlet.spawn(runner.start)
    deadline = time.monotonic() + START_S
    while not starting.dead and not signals:
        if time.monotonic() > deadline:
            raise ServiceDied(f"not ready after {START_S:.0f} s")
        eventlet.sleep(POLL_INTERVAL_S / 2)
    if starting.dead:
        starting.wait()


def _freeze_long_lived_objects() -> None:
    """Set aside what lives as long as the process: looking at all of it again stops every call for a tenth of a second.

    The libraries and the services' own parts are some 200,000 objects, none of which becomes garbage.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_LIMIT, *gc.get_threshold()[1:])


def _watch(runner: ServiceRunner, signals: list[int], while_running: Callable[[], None]) -> None:
    died: list[BaseException | None] = []
    watcher = eventlet.spawn(_wait_for_death, runner, died)
    try:
        while not signals and not died:
            while_running()
            eventlet.sleep(POLL_INTERVAL_S)
    finally:
        watcher.kill()
    if died and not signals:
        raise ServiceDied(f"{type(died[0]).__name__}: {died[0]}" if died[0] else "without an error")


def _wait_for_death(runner: ServiceRunner, died: list[BaseException | None]) -> None:
    try:
        runner.wait()
    except Exception as error:
        died.append(error)
    else:
        died.append(None)


def _stop(runner: ServiceRunner, stop_s: float) -> None:
    signal.signal(signal.SIGINT, _leave_now)  # an impatient second Ctrl-C
    try:
        with eventlet.Timeout(stop_s):
            runner.stop()
    except eventlet.Timeout:
        log.warning("services_did_not_stop", after_s=stop_s)
        _kill(runner)


def _kill(runner: ServiceRunner) -> None:
    with eventlet.Timeout(1, False):
        runner.kill()


def _leave_now(_signum: int, _frame: FrameType | None) -> None:
    raise SystemExit(1)
