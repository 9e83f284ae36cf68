"""A process that runs services: ready, told to end, or a service that dies."""

import gc
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shared.bus import process as processes
from shared.bus.process import FULL_LOOK_AFTER, FULL_LOOK_BY, IDLE_S, Collector

SCRIPT = """
from shared.bus import eventlet_patch
eventlet_patch.patch()
import gc, sys, time
import eventlet
from nameko.extensions import DependencyProvider
from shared.bus.process import ServiceDied, run_until_signalled
from shared.bus.topology import Topology
from shared.settings import Settings

class Life(DependencyProvider):
    def start(self):
        if sys.argv[1] == "refuses":
            raise OSError("the address is in use")
        self.gathered = ["while starting"]
        self.thread = self.container.spawn_managed_thread(self.live)

    def live(self):
        if sys.argv[1] == "dies":
            eventlet.sleep(0.3)
            raise ValueError("of a bug")
        while True:
            eventlet.sleep(1)

    def stop(self):
        print("stopping", flush=True)
        if sys.argv[1] == "collects":
            again = any(each is self.gathered for each in gc.get_objects())
            print("looked at again" if again else "set aside", flush=True)
        self.thread.kill()
        if sys.argv[1] == "hangs":
            eventlet.sleep(60)

class Service:
    name = "service"
    life = Life()

try:
    run_until_signalled(
        Settings(), [Service], Topology(subscriptions={}, shares=1),
        on_ready=lambda: print("ready", flush=True), while_running=lambda: None, stop_s=1.0
    )
except (ServiceDied, OSError) as error:
    print(f"{type(error).__name__}: {error}", flush=True)
    sys.exit(1)
"""


@contextmanager
def process(behaviour: str) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, behaviour], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    """The services are stopped, not killed; nothing is said about it."""
    with process("lives") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(number)
        out, err = child.communicate(timeout=10)
        assert (child.returncode, out, err) == (0, "stopping\n", "")


def test_a_service_that_does_not_stop_is_killed_after_a_while() -> None:
    """Ctrl-C must end the process within seconds."""
    with process("hangs") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.terminate()
        child.communicate(timeout=10)
        assert child.returncode == 0


def test_a_service_that_dies_ends_the_process_and_says_why() -> None:
    """Something outside starts it again; limping on without a service would hide it."""
    with process("dies") as child:
        out, _ = child.communicate(timeout=10)
        assert child.returncode == 1
        assert out.splitlines()[-1] == "ServiceDied: ValueError: of a bug"


def test_a_service_that_cannot_start_ends_the_process_and_says_why() -> None:
    """It is never announced as ready."""
    with process("refuses") as child:
        out, _ = child.communicate(timeout=10)
        assert child.returncode == 1
        assert "ready" not in out
        assert out.splitlines()[-1] == "OSError: the address is in use"


def test_what_was_there_before_the_first_call_is_not_collected_again() -> None:
    """A full collection over all that lives as long as the process would stop every call meanwhile."""
    with process("collects") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.terminate()
        out, _ = child.communicate(timeout=10)
        assert out.splitlines() == ["stopping", "set aside"]


@pytest.fixture
def collector() -> Iterator[Collector]:
    before = gc.get_threshold()
    yield Collector()
    gc.set_threshold(*before)
    gc.unfreeze()


class Hands:
    """The time that the process knows, and what it used of its core."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.used = time.monotonic(), time.process_time()
        monkeypatch.setattr(processes.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(processes.time, "process_time", lambda: self.used)

    def go_on(self, *, share: float) -> None:
        self.now += 2 * IDLE_S
        self.used += 2 * IDLE_S * share


@pytest.fixture
def hands(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Hands:
    return Hands(monkeypatch)


class Node:
    """Refers to itself, as what an exception leaves does."""

    def __init__(self) -> None:
        self.me = self


def old_garbage(looks: int) -> "weakref.ref[Node]":
    """Return what only a look at everything finds, after so many looks at what is younger."""
    node = Node()
    for _ in range(looks):
        gc.collect(1)
    return weakref.ref(node)


def test_everything_is_looked_at_when_the_process_is_idle(collector: Collector, hands: Hands) -> None:
    """A look at a large state stops the calls for a quarter of a second; when nobody calls, nobody waits."""
    garbage = old_garbage(FULL_LOOK_AFTER)
    hands.go_on(share=0.5)
    assert not collector.look_if_due(), "the process is busy"
    assert garbage() is not None
    hands.go_on(share=0.01)
    assert collector.look_if_due()
    assert garbage() is None
    hands.go_on(share=0.01)
    assert not collector.look_if_due(), "nothing has become old since"


def test_a_process_that_is_never_idle_is_looked_at_too(collector: Collector, hands: Hands) -> None:
    garbage = old_garbage(FULL_LOOK_BY)
    hands.go_on(share=1)
    assert collector.look_if_due()
    assert garbage() is None


def test_the_collector_never_looks_at_everything_by_itself(collector: Collector) -> None:
    looks = gc.get_stats()[2]["collections"]
    kept = [[number] for number in range(1_000_000)]
    assert gc.get_stats()[2]["collections"] == looks
    assert len(kept) == 1_000_000
