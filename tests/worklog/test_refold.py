"""What is counted can be made anew from the journal, and where it differs from it that is found (W7, W8, W10).

That both are equal after every batch of events is checked by :class:`Office`, in all tests that use it.
"""

import threading
from datetime import date
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, delete, select, update

from services.worklog.model.figures import Counted
from services.worklog.store import JournalCount, tables
from shared.bus.dead_letters import Failure, settle
from shared.bus.event_handlers import handler_of
from shared.bus.inbox import Inbox
from shared.bus.message import Message
from shared.contracts.envelope import Event
from shared.storage import Storage
from shared.storage.tables import dead_letter
from shared.storage.verification import CannotBeFolded, branches, rebuild, verify
from tests.worklog.happened import TODAY, Happened
from tests.worklog.office import BRANCH, Office

EARLIER = date(2026, 11, 20)


@pytest.fixture(autouse=True)
def two_days(office: Office) -> Happened:
    happened = Happened(BRANCH)
    office.receive(
        *happened.visit("v1"), happened.issued("v2"), happened.dispute("i1", day=EARLIER), happened.roster(3)
    )
    office.receive(*Happened("other").visit("w1"))
    office.close(EARLIER)
    return happened


def counted(connection: Connection) -> list[object]:
    found: list[object] = []
    for table in (tables.figures, tables.visit, tables.signature, tables.subject):
        found += connection.execute(select(table).order_by(*table.primary_key)).all()
    return found


def differing(storage: Storage, branch: str = BRANCH) -> list[str]:
    return [difference.where for difference in verify(storage, branch)]


def test_what_is_counted_is_what_the_journal_says(storage: Storage) -> None:
    assert branches(storage) == [BRANCH, "other"]
    assert differing(storage) == differing(storage, "other") == differing(storage, "nowhere") == []


def test_what_differs_from_the_journal_is_found_and_made_anew(
    office: Office, storage: Storage, two_days: Happened
) -> None:
    figures, visit = tables.figures, tables.visit
    view = office.day()
    with storage.read() as connection:
        before = counted(connection)
    with storage.transaction(BRANCH) as tx:
        wrong = {"body": "{}", "managers": None}
        tx.connection.execute(update(figures).where(figures.c.business_date == TODAY).values(**wrong))
        tx.connection.execute(update(visit).where(visit.c.visit_id == "v2").values(ended=True))
        moved = update(figures).where(figures.c.business_date == EARLIER).values(business_date=date(2026, 11, 21))
        tx.connection.execute(moved)
    assert differing(storage) == [
        "figures demo/2026-11-20", "figures demo/2026-11-21", "figures demo/2026-11-24", "visit demo/v2",
    ]  # fmt: skip
    rebuild(storage, BRANCH)
    assert differing(storage) == []
    assert differing(storage, "other") == ["figures other/2026-11-24"], "the other branch is as it was"
    rebuild(storage, "other")
    with storage.read() as connection:
        assert counted(connection) == before
    assert office.day() == view
    office.receive(two_days.ended("v2"))
    assert office.day().served == 2


def test_a_signature_that_is_gone_is_found_and_made_anew_from_the_log(
    office: Office, storage: Storage, two_days: Happened
) -> None:
    office.receive(two_days.ended("v2"))
    office.close()
    with storage.transaction() as tx:
        tx.connection.execute(delete(tables.signature))
    assert differing(storage) == ["signature demo/2026-11-24"]
    rebuild(storage, BRANCH)
    assert differing(storage) == []
    assert office.verify().ok


def test_what_is_recorded_while_somebody_verifies_is_no_difference(
    office: Office, storage: Storage, two_days: Happened, monkeypatch: pytest.MonkeyPatch
) -> None:
    refold, more = JournalCount.refold, iter([list(two_days.visit("late"))])

    def and_go_on(count: JournalCount, connection: Connection, branch: str) -> tuple[Counted, Any]:
        folded = refold(count, connection, branch)
        office.worklog.take_batch(next(more, []))
        return folded

    monkeypatch.setattr(JournalCount, "refold", and_go_on)
    assert differing(storage) == []
    assert next(more, None) is None
    assert (differing(storage), office.day().visits) == ([], 3)


@pytest.mark.usefixtures("two_days")
def test_a_journal_that_cannot_be_folded_is_told_as_a_difference_and_rebuild_leaves_it(storage: Storage) -> None:
    """A visit's end without its beginning: the event of the beginning is gone."""
    with storage.transaction(BRANCH) as tx:
        journal = tables.journal.c
        gone = (journal.branch == BRANCH) & journal.type.like("%ticket_issued%") & (journal.subject == "v1")
        assert tx.connection.execute(delete(tables.journal).where(gone)).rowcount == 1
    with storage.read() as connection:
        before = counted(connection)
    (difference,) = verify(storage, BRANCH)
    assert difference.where == "rows"
    assert difference.folded == "cannot be folded: VisitNotBegun: the visit v1 ended and never began"
    assert differing(storage, "other") == [], "the other branch has its turn"
    with pytest.raises(CannotBeFolded, match="VisitNotBegun"):
        rebuild(storage, BRANCH)
    with storage.read() as connection:
        assert counted(connection) == before


def test_every_row_that_was_lost_is_made_anew_from_the_journal_the_log_and_the_dead_letters(
    office: Office, storage: Storage, two_days: Happened
) -> None:
    """A subject goes on behind what an operator gave up, after a rebuild, too."""
    office.receive(two_days.ended("v2"))
    office.close()
    give_up(office, storage, two_days.dispute("i2"))
    with storage.read() as connection:
        before = counted(connection)
    with storage.transaction(BRANCH) as tx:
        for table in (tables.figures, tables.visit, tables.signature, tables.subject):
            tx.connection.execute(delete(table).where(table.c.branch == BRANCH))
    assert {where.split()[0] for where in differing(storage)} == {"figures", "signature", "subject", "visit"}
    rebuild(storage, BRANCH)
    assert differing(storage) == []
    with storage.read() as connection:
        assert counted(connection) == before
    office.receive(two_days.settled("i2"))
    assert office.dead_letters() == [("failed", "a bug")]
    assert [(of.opened, of.closed) for of in office.day().incidents] == [(0, 1)]


def give_up(office: Office, storage: Storage, event: Event) -> None:
    """Let an event become a dead letter that an operator discards."""
    message = Message(queue="q", body=event.to_json())
    inbox = Inbox(storage, handler_of(office.worklog.service), stop=threading.Event())
    inbox.move_to_dead_letters(message, Failure(code="failed", reason="a bug"))
    with storage.read() as connection:
        (id_,) = connection.execute(select(dead_letter.c.id)).scalars()
    inbox.discard(message, partial(settle, id_=id_, state="discarded"))
