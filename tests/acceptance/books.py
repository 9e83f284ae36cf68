"""What the services said against what the journal has: every event once, byte for byte, each subject's in order."""

from collections import Counter, defaultdict
from collections.abc import Iterator

import orjson
from sqlalchemy import select

from services.worklog.store.tables import journal
from shared.settings import SERVICES, Settings
from shared.storage.engine import open_engine
from shared.storage.log import LogReader

PAGE = 1000


def said(settings: Settings) -> list[str]:
    """Return the events of every service's log that are its own to publish."""
    return [body for service in SERVICES for body in _log(settings, service)]


def _log(settings: Settings, service: str) -> Iterator[str]:
    engine = open_engine(settings.database_url_of(service), service, pool_size=1)
    try:
        reader = LogReader(engine)
        positions = dict.fromkeys(reader.heads(), 0)
        while rows := reader.after(positions, limit=PAGE):
            yield from (row.body for row in rows if row.own)
            positions |= {row.pp: row.pos for row in rows}
    finally:
        engine.dispose()


def journalled(settings: Settings) -> list[str]:
    """Return the events of the journal in the order in which it took them."""
    engine = open_engine(settings.database_url_of("worklog"), "worklog", pool_size=1)
    try:
        with engine.connect() as connection:
            return list(connection.execute(select(journal.c.body).order_by(journal.c.position)).scalars())
    finally:
        engine.dispose()


def differences(settings: Settings) -> list[str]:
    """Return what was lost, doubled, changed or taken out of order; empty when the books agree.

    A living branch goes on speaking meanwhile, so the logs are read before the journal for what it lacks, and after it
    for what it has too much.
    """
    before, held, after = Counter(said(settings)), journalled(settings), Counter(said(settings))
    found = [f"lost: {body}" for body in (before - Counter(held)).elements()]
    found += [f"doubled or made up: {body}" for body in (Counter(held) - after).elements()]
    sequences: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for document in map(orjson.loads, held):
        sequences[document["source"].split("/")[1], document["subject"]].append(int(document["sequence"]))
    return found + [
        f"out of order: {subject}: {numbers}"
        for (_, subject), numbers in sequences.items()
        if numbers != list(range(1, len(numbers) + 1))
    ]
