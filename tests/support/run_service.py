"""Runs one service until it's told to end, on databases that it migrates first; says when it's ready."""

import sys

from shared.bus.eventlet_patch import patch


def main(name: str) -> None:
    """Run the service."""
    patch()
    from services.ops.provisioning.migrations import upgrade
    from services.ops.service_classes import classes_of, topology_of
    from shared import logs
    from shared.bus.process import run_until_signalled
    from shared.settings import load_settings

    settings = load_settings()
    logs.configure(settings)
    for _ in upgrade(settings):
        pass
    run_until_signalled(
        settings,
        classes_of([name]),
        topology_of(settings.queue_shares),
        on_ready=lambda: print("ready", flush=True),
        while_running=lambda: None,
    )


if __name__ == "__main__":
    main(sys.argv[1])
