"""Runs the demo service's containers as a process; prints its port when it listens, ends after a line of input."""

import os
import resource
import sys

from shared.bus.eventlet_patch import patch


def main(names: list[str]) -> None:
    patch()
    if files := os.environ.get("DEMO_OPEN_FILES"):
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(files), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    from tests.web import demo_service  # after the patch: it imports what must be cooperative

    demo_service.run(names or list(demo_service.SERVICES))


if __name__ == "__main__":
    main(sys.argv[1:])
