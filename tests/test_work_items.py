"""A work item is owed until it is done or waived, and carried over from day to day meanwhile (V2, I4, W8)."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.work_items import (
    Assigned,
    CarriedOver,
    Ended,
    Fact,
    HasEnded,
    LacksOwner,
    NotLater,
    WorkItem,
    apply,
    decide,
)

NOW = datetime.fromisoformat("2026-11-24T09:00:00+08:00")
TODAY = NOW.date()
ITEM = WorkItem(item_id="w1", kind="question", business_date=TODAY, opened_at=NOW)
OWNED = apply(ITEM, Assigned(owner="li", due_at=NOW + timedelta(hours=2)))
DONE = Ended(fate="done", by="li", at=NOW + timedelta(hours=1), why="answered, and the customer told")


def carried(days: int) -> CarriedOver:
    return CarriedOver(to=TODAY + timedelta(days=days), by="li", at=NOW + timedelta(hours=9))


def test_it_is_overdue_from_its_due_time_on_until_it_has_ended() -> None:
    due = NOW + timedelta(hours=2)
    assert not OWNED.is_overdue(due - timedelta(seconds=1))
    assert OWNED.is_overdue(due)
    assert not apply(OWNED, DONE).is_overdue(due)
    assert not ITEM.is_overdue(NOW + timedelta(days=400)), "nobody said by when"


def test_another_owner_keeps_the_due_time_and_another_due_time_the_owner() -> None:
    assert apply(OWNED, Assigned(owner="zhao")) == apply(ITEM, Assigned(owner="zhao", due_at=OWNED.due_at))
    later = NOW + timedelta(days=3)
    assert apply(OWNED, Assigned(due_at=later)) == apply(ITEM, Assigned(owner="li", due_at=later))
    assert decide(OWNED, Assigned(owner="li")) == (), "nothing changes"


def test_it_ends_once_with_who_when_and_why() -> None:
    assert decide(OWNED, DONE) == (DONE,)
    done = apply(OWNED, DONE)
    assert (done.fate, done.ended) == ("done", DONE)
    assert decide(done, Ended(fate="done", by="zhao", at=NOW, why="again")) == ()
    for fact in (Ended(fate="waived", by="li", at=NOW, why="no need"), Assigned(owner="zhao"), carried(1)):
        with pytest.raises(HasEnded):
            decide(done, fact)


def test_it_is_carried_over_until_the_next_shift_accepts_it() -> None:
    with pytest.raises(LacksOwner):
        decide(ITEM, carried(1))
    with pytest.raises(NotLater):
        decide(OWNED, carried(0))
    monday = apply(OWNED, *decide(OWNED, carried(3)))
    assert (monday.day, monday.business_date, monday.accepted) == (date(2026, 11, 27), TODAY, False)
    with pytest.raises(NotLater):
        decide(monday, carried(3))
    accepted = apply(monday, *decide(monday, Assigned(owner="li")))
    assert (accepted.accepted, accepted.owner, accepted.day) == (True, "li", monday.day)


FACTS = st.one_of(
    st.builds(
        Assigned, owner=st.sampled_from([None, "li"]), due_at=st.sampled_from([None, NOW, NOW + timedelta(days=1)])
    ),
    st.builds(carried, st.integers(0, 4)),
    st.builds(Ended, fate=st.sampled_from(["done", "waived"]), by=st.just("li"), at=st.just(NOW), why=st.just("so")),
)


@given(st.lists(FACTS, max_size=12))
def test_what_is_decided_and_only_that_changes_the_item(facts: list[Fact]) -> None:
    item = ITEM
    for fact in facts:
        try:
            happened = decide(item, fact)
        except HasEnded:
            assert item.ended is not None
            assert apply(item, fact) == item
            continue
        except (LacksOwner, NotLater):
            assert item.fate == "open"
            continue
        for one in happened:
            after = apply(item, one)
            assert after != item
            assert after.day >= item.day
            item = after
    assert (item.fate == "open") == (item.ended is None)
