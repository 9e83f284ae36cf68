"""Runs the services of ``bus_classes`` until told to end, in a process like one of ``lobby serve``."""

import sys

from shared.bus.eventlet_patch import patch

PRODUCER, CONSUMER = "triage", "gateway"
DEATH = 9
"""The exit code of a message that kills the process."""


def main(names: list[str]) -> None:
    """Run the services that are named."""
    patch()
    from shared import logs
    from shared.bus.process import ServiceDied, run_until_signalled
    from shared.settings import load_settings
    from tests.support.bus_classes import CLASSES, topology_of

    settings = load_settings()
    logs.configure(settings)
    try:
        run_until_signalled(
            settings, [CLASSES[name] for name in names], topology_of(settings),
            on_ready=lambda: print("ready", flush=True), while_running=lambda: None,
        )  # fmt: skip
    except ServiceDied as error:
        sys.exit(f"a service died: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
