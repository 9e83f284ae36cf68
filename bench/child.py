"""The processes of a bench: each contender runs in one of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

END_S = 20


@contextmanager
def running(module: str, *arguments: str, **environment: str) -> Iterator[int]:
    """Run a module while the block does, which is told its process id; whoever does not end when told to is killed."""
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
