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
YOUNG_PASSES_LIMIT = 2
"""Looks at the youngest before it looks at the middle-aged too: some 10 ms then, not 60."""
NEVER = 1_000_000_000
FULL_LOOK_AFTER, FULL_LOOK_BY = 10, 40
"""Looks at the middle-aged before all that lives is looked at: once the process is idle, and whatever it does."""
IDLE_SHARE = 0.1
"""A process that used less than this share of a core over :data:`IDLE_S` is idle."""
IDLE_S = 1.0

log = structlog.get_logger()


class ServiceDied(Exception):
    """A service ended by itself; its text says why."""


def run_until_signalled(
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
            collector = Collector()
            on_ready()
            _watch(runner, signals, while_running, collector)
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


class Collector:
    """When Python's garbage collector looks at what: seldom at the state, which is large and all alive.

    The states are immutable objects, 250,000 and more of them: looking at all stops every call for a quarter of a
    second. What leaves a state ends without the collector; only cycles need it, which exceptions and calls make.
    """

    def __init__(self) -> None:
        """Set aside what lives as long as the process, some 200,000 objects, and take over the looks at everything."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS_LIMIT, YOUNG_PASSES_LIMIT, NEVER)
        self._looks = _middle_looks()
        self._since, self._used = time.monotonic(), time.process_time()

    def look_if_due(self) -> bool:
        """Look at everything if the process is idle and it's time, or if it's high time; return whether it did.

        To be called some times a second.
        """
        looks, idle = _middle_looks() - self._looks, self._is_idle()
        if looks < (FULL_LOOK_AFTER if idle else FULL_LOOK_BY):
            return False
        gc.collect()
        self._looks = _middle_looks()
        return True

    def _is_idle(self) -> bool:
        now, used = time.monotonic(), time.process_time()
        lasted = now - self._since
        if lasted < IDLE_S:
            return False
        share = (used - self._used) / lasted
        self._since, self._used = now, used
        return share < IDLE_SHARE


def _middle_looks() -> int:
    looks: int = gc.get_stats()[1]["collections"]
    return looks


def _watch(runner: ServiceRunner, signals: list[int], while_running: Callable[[], None], collector: Collector) -> None:
    died: list[BaseException | None] = []
    watcher = eventlet.spawn(_wait_for_death, runner, died)
    try:
        while not signals and not died:
            while_running()
            collector.look_if_due()
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
