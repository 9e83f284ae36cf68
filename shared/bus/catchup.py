"""Catching up from the producers' logs: how the embedded transport's lost messages come back."""

from fnmatch import fnmatchcase

import structlog

from shared.bus.processor import Processor
from shared.bus.reaction import Hooks
from shared.bus.topology import SUBSCRIPTIONS
from shared.settings import SERVICES
from shared.storage import Cursor, Storage

log = structlog.get_logger()

BATCH = 200


def catch_up(storage: Storage, processor: Processor, hooks: Hooks) -> int:
    """Handle what the producers' logs have behind this service's cursors; return how many events were read.

    The inbox knows those that arrived the ordinary way.
    """
    read = 0
    for producer in SERVICES:
        cursor = Cursor(f"from-{producer}")
        reader = storage.reader(producer)
        with storage.read() as connection:
            positions = cursor.load(connection)
        positions = {pp: positions.get(pp, 0) for pp, head in reader.heads().items() if head > positions.get(pp, 0)}
        while rows := reader.after(positions, limit=BATCH):
            wanted = [row.body for row in rows if row.own and wants(storage.service, row.type)]
            processor.catch_up(wanted, f"catch-up from {producer}", hooks)
            read += len(wanted)
            positions.update({row.pp: row.pos for row in rows})
            with storage.transaction() as tx:
                cursor.save(tx.connection, positions)
    if read:
        log.info("caught_up", service=storage.service, events=read)
    return read


def wants(service: str, type_: str) -> bool:
    """Whether a service subscribes to this type."""
    return any(fnmatchcase(type_, pattern.replace("#", "*")) for pattern in SUBSCRIPTIONS[service])
