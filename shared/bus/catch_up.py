"""Catching up from the producers' logs: how the embedded transport's lost messages come back."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

import structlog

from shared.bus.batch_processor import BatchProcessor
from shared.bus.message import Message
from shared.settings import SERVICES
from shared.storage import Cursor, Storage

log = structlog.get_logger()

BATCH_LIMIT = 200


def catch_up(storage: Storage, processor: BatchProcessor, patterns: Iterable[str]) -> int:
    """Handle what the producers' logs have behind this service's cursors; return how many events were read.

    ``patterns`` are the types that the service hears. The inbox knows those that arrived the ordinary way.
    """
    patterns, read = [pattern.replace("#", "*") for pattern in patterns], 0
    for producer in SERVICES:
        cursor = Cursor(f"from-{producer}")
        reader = storage.reader(producer)
        with storage.read() as connection:
            positions = cursor.load(connection)
        positions = {pp: positions.get(pp, 0) for pp, head in reader.heads().items() if head > positions.get(pp, 0)}
        while rows := reader.after(positions, limit=BATCH_LIMIT):
            bodies = [row.body for row in rows if row.own and any(fnmatchcase(row.type, p) for p in patterns)]
            queue = f"catch-up from {producer}"
            processor.process([Message(queue=queue, body=body.encode()) for body in bodies])
            read += len(bodies)
            positions.update({row.pp: row.pos for row in rows})
            with storage.transaction() as tx:
                cursor.save(tx.connection, positions)
    if read:
        log.info("caught_up", service=storage.service, events=read)
    return read
