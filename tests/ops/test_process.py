"""A process that runs services: ready, told to end, or a service that dies."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

SCRIPT = """
from shared.bus import eventlet_patch
eventlet_patch.patch()
import gc, sys, time
import eventlet
from nameko.extensions import DependencyProvider
from shared.bus.process import ServiceDied, run_until_told
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
    run_until_told(
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
