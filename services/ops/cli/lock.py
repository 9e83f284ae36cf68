"""One ``lobby up`` a data directory: two would write the same files."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.ops.errors import CommandError, UsageError

NAME = "lobby.lock"


@contextmanager
def data_dir_lock(data_dir: Path) -> Iterator[None]:
    """Hold the directory (made if it isn't there) until the block or the process ends.

    Raises :class:`CommandError` that names who holds it. The kernel gives the lock back when the
    process dies, however it dies.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = os.open(data_dir / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UsageError(f"LOBBY_DATA_DIR: {error.filename}: {error.strerror}") from None
    try:
        _take(file, data_dir)
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(file)


def _take(file: int, data_dir: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(file, 32, 0).decode().strip() or "unknown"
        raise CommandError(
            f"another `lobby up` (process {holder}) works in {data_dir.absolute()}; end it, or set LOBBY_DATA_DIR"
        ) from None
