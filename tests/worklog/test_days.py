"""What people write into a day's log: checks, notes, and the signature that ends it (W1, W3, W7, W8)."""

from dataclasses import asdict
from datetime import UTC, date, datetime

import pytest

from services.worklog.errors import DayClosed, DayNotBegun, VisitsInProgress
from tests.worklog.happened import TODAY, Happened
from tests.worklog.office import BRANCH, Office

TOMORROW = date(2026, 11, 25)


def test_a_checklist_is_in_the_days_log_and_in_the_services_own(office: Office) -> None:
    results = [
        {"item": "fire_equipment", "ok": True},
        {"item": "water_cups_seats", "ok": False, "finding": "two chairs are broken"},
    ]
    made = office.check(kind="inspection", results=results)
    assert (made.kind, made.by, made.results[1].finding) == ("inspection", "li", "two chairs are broken")
    assert office.day().checks == (made,)
    (event,) = office.own_events()
    assert (event.type, event.subject, event.sequence) == (
        "lobby.worklog.checks_recorded.v1", f"day:{BRANCH}:{TODAY.isoformat()}", 1,
    )  # fmt: skip
    assert event.data.check_id == made.check_id  # type: ignore[attr-defined]


def test_notes_and_checks_are_kept_in_their_order(office: Office) -> None:
    made = [office.note("早上"), office.check(), office.note("下午")]
    view = office.day()
    assert (view.notes, view.checks) == ((made[0], made[2]), (made[1],))
    assert [event.sequence for event in office.own_events()] == [1, 2, 3]
    assert len({event.subject for event in office.own_events()}) == 1


def test_what_is_written_today_may_be_about_yesterday_but_not_about_tomorrow(office: Office) -> None:
    office.note(business_date=date(2026, 11, 23))
    assert (len(office.day(date(2026, 11, 23)).notes), office.day().notes) == (1, ())
    for write in (office.note, office.check, office.close):
        with pytest.raises(DayNotBegun):
            write(business_date=TOMORROW)
    assert office.day(TOMORROW).state == "open"


def test_tomorrow_begins_at_the_branchs_midnight(office: Office) -> None:
    office.clock.time = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)  # midnight in Shanghai
    office.note(business_date=TOMORROW)
    assert len(office.day(TOMORROW).notes) == 1


def test_a_day_is_not_signed_while_visits_have_no_end(office: Office) -> None:
    happened = Happened(BRANCH)
    office.receive(happened.issued("v1"), happened.issued("v2"), *happened.visit("v3"))
    with pytest.raises(VisitsInProgress) as refused:
        office.close()
    assert refused.value.extra["in_progress"] == 2
    assert office.day().state == "open"
    office.receive(happened.ended("v1"), happened.ended("v2", "left"))
    assert office.close().state == "closed"


def test_the_signature_names_the_totals_and_the_journals_last_link(office: Office) -> None:
    happened = Happened(BRANCH)
    office.receive(*happened.visit("v1"), *happened.visit("v2", "left"), *happened.visit("v3"))
    before = office.day()
    view = office.close()
    assert (view.state, view.signed_by, view.signed_at) == ("closed", "li", office.clock.now())
    (event,) = office.own_events()
    assert event.type == "lobby.worklog.day_closed.v1"
    assert asdict(event.data) == {
        "business_date": TODAY, "by": "li", "visits": 3, "served": 2, "left": 1, "journal_hash": before.journal_hash,
    }  # fmt: skip
    assert office.day() == view


def test_a_signed_day_is_read_only(office: Office) -> None:
    office.note()
    office.close()
    for write in (office.note, office.check, office.close):
        with pytest.raises(DayClosed) as refused:
            write()
        assert (refused.value.code, refused.value.status) == ("day_closed", 409)
    view = office.day()
    assert (len(view.notes), view.checks, len(office.own_events())) == (1, (), 2)


def test_a_quiet_day_can_be_signed(office: Office) -> None:
    view = office.close()
    assert (view.state, view.visits, view.journal_hash) == ("closed", 0, None)


def test_what_worklog_says_itself_comes_back_into_its_journal(office: Office) -> None:
    office.note()
    office.check()
    office.close()
    said = office.own_events()
    office.receive(*said)
    assert [entry.event["id"] for entry in office.search().entries] == [event.id for event in said]
    view = office.day()
    assert (len(view.notes), len(view.checks), view.events, view.state) == (1, 1, 3, "closed")
    assert office.verify().ok
