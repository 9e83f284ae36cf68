"""The processes of a bench: each contender runs in one of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

END_S = 20


@contextmanager
def running(module: str, *arguments: str, **environment: str) -> Iterator[None]:
    """Run a module while the block does; whoever does not end when told to is killed."""
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
