"""What worklog keeps in mind of a branch is its open days; the others are folded from its log when somebody asks."""

from datetime import date, timedelta

import pytest

from services.worklog.errors import DayClosed
from services.worklog.model.lobby_state import KEPT, LobbyState
from shared.storage import Storage
from tests.worklog.happened import TODAY, Happened
from tests.worklog.office import BRANCH, Office


def open_days(storage: Storage) -> set[date]:
    state: LobbyState = storage.state(BRANCH)
    return set(state.days)


def test_a_day_is_kept_in_mind_until_it_is_signed(office: Office, storage: Storage) -> None:
    yesterday = TODAY - timedelta(days=1)
    office.note(business_date=yesterday)
    office.note()
    assert open_days(storage) == {yesterday, TODAY}
    before = office.day(yesterday)
    closed = office.close(yesterday)
    assert open_days(storage) == {TODAY}
    assert (closed.notes, closed.state, closed.signed_by) == (before.notes, "closed", "li")
    assert office.day(yesterday) == closed
    with pytest.raises(DayClosed):
        office.note(business_date=yesterday)


def test_a_day_that_nobody_signs_is_written_into_long_after(office: Office, storage: Storage) -> None:
    old = TODAY - KEPT
    first = office.note("一", business_date=old)
    assert open_days(storage) == {old}
    office.check()
    assert open_days(storage) == {TODAY}
    second = office.note("二", business_date=old)
    assert open_days(storage) == {TODAY}
    assert office.day(old).notes == (first, second)
    assert [event.sequence for event in office.own_events()] == [1, 1, 2]
    assert office.close(old).state == office.day(old).state == "closed"


def test_a_day_that_is_old_when_it_begins_is_not_kept_in_mind(office: Office, storage: Storage) -> None:
    office.note()
    first = date(1970, 1, 1)
    made = [office.note(business_date=first), office.note(business_date=first)]
    assert open_days(storage) == {TODAY}
    assert office.day(first).notes == tuple(made)


def test_a_process_that_knows_nothing_reads_the_snapshot_and_the_log(office: Office, storage: Storage) -> None:
    office.receive(*Happened(BRANCH).visit("v"))
    office.note()
    storage.take_snapshots(all_changed=True)
    office.check()
    before = office.day()
    storage.states.forget()
    assert office.day() == before
    office.note()
    assert (len(office.day().notes), len(office.day().checks)) == (2, 1)


def test_a_state_of_an_instant_has_the_days_that_were_open_then(office: Office, storage: Storage) -> None:
    office.note()
    then = office.clock.now()
    office.clock.advance(60)
    office.close()
    assert set(storage.state_at(BRANCH, then).days) == {TODAY}
    assert set(storage.state_at(BRANCH, office.clock.now()).days) == set()
