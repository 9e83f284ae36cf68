"""The checker of the other tests here: it must see each thing that it is there to see."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update

from services.worklog.store.tables import journal
from shared.clock import ManualClock
from shared.settings import SERVICES, Settings
from shared.storage import Storage
from shared.storage.storage import declared_storage
from tests.acceptance.books import differences
from tests.support.tables import empty_database
from tests.worklog.happened import Happened
from tests.worklog.office import Office


@pytest.fixture
def worklog(tmp_path: Path) -> Iterator[Storage]:
    """Triage has said three events, and the journal has them."""
    settings, clock = Settings(data_dir=tmp_path), ManualClock(time=datetime(2026, 11, 24, 4, tzinfo=UTC))
    for service in SERVICES:
        empty_database(settings, service)
    events = list(Happened("demo").visit("v"))
    triage = declared_storage(settings, "triage", clock)
    with triage.transaction("demo") as tx:
        for event in events:
            tx.append_event(event, own=True)
    triage.close()
    storage = declared_storage(settings, "worklog", clock)
    Office(storage, clock).receive(*events)
    yield storage
    storage.close()


def kinds(worklog: Storage) -> set[str]:
    return {difference.split(":")[0] for difference in differences(worklog.settings)}


def test_books_that_agree_have_no_difference(worklog: Storage) -> None:
    assert differences(worklog.settings) == []


def test_an_event_that_is_not_in_the_journal_is_lost(worklog: Storage) -> None:
    with worklog.transaction() as tx:
        tx.connection.execute(delete(journal).where(journal.c.n == 3))
    assert kinds(worklog) == {"lost"}


def test_an_event_that_is_in_the_journal_twice_is_doubled(worklog: Storage) -> None:
    with worklog.transaction() as tx:
        row = dict(tx.connection.execute(select(journal).where(journal.c.n == 3)).mappings().one())
        del row["position"]
        tx.connection.execute(insert(journal).values(row | {"n": 4}))
    assert kinds(worklog) == {"doubled or made up", "out of order"}


def test_a_changed_event_is_one_lost_and_one_made_up(worklog: Storage) -> None:
    with worklog.transaction() as tx:
        body = tx.connection.execute(select(journal.c.body).where(journal.c.n == 3)).scalar_one()
        tx.connection.execute(update(journal).where(journal.c.n == 3).values(body=body.replace("served", "left")))
    assert kinds(worklog) == {"lost", "doubled or made up"}


def test_two_events_that_changed_places_are_out_of_order(worklog: Storage) -> None:
    with worklog.transaction() as tx:
        tx.connection.execute(update(journal).where(journal.c.n == 2).values(position=99))
    assert kinds(worklog) == {"out of order"}
