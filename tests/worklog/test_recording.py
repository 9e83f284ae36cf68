"""What worklog makes of the services' events: the day's figures, and a journal without gaps (W7, W10)."""

from datetime import UTC, date, datetime

import pytest

from shared.clock import ManualClock
from shared.contracts.events import triage
from shared.contracts.events.triage import Channel
from shared.storage import Storage
from tests.support.tables import empty_database
from tests.worklog.happened import TODAY, Happened
from tests.worklog.office import BRANCH, Office


@pytest.fixture
def happened() -> Happened:
    return Happened(BRANCH)


def test_a_day_without_events_is_zeros(office: Office) -> None:
    view = office.day(date(2020, 2, 29))
    assert (view.visits, view.served, view.left, view.in_progress, view.events) == (0, 0, 0, 0, 0)
    assert (view.journal_hash, view.state, view.channels, view.incidents) == (None, "open", (), ())


def test_visits_are_counted_where_they_began(office: Office, happened: Happened) -> None:
    office.receive(
        *happened.visit("v1", waited_s=30),
        *happened.visit("v2", waited_s=90.5),
        *happened.visit("v3", "left", waited_s=600),
        happened.issued("v4", "self_service"),
    )
    view = office.day()
    assert (view.visits, view.served, view.left, view.in_progress, view.diverted) == (4, 2, 1, 1, 1)
    assert (view.mean_wait_s, view.max_wait_s) == (60.25, 90.5)
    assert [(c.channel, c.visits, c.served, c.left) for c in view.channels] == [
        ("counter", 3, 2, 1), ("self_service", 1, 0, 0),
    ]  # fmt: skip


@pytest.mark.parametrize("channel", ["self_service", "phone_bank", "online"])
def test_who_is_sent_to_no_window_is_diverted_even_if_they_come_back(
    office: Office, happened: Happened, channel: Channel
) -> None:
    office.receive(happened.issued("v", channel), happened.ended("v", channel="counter"))
    view = office.day()
    assert (view.diverted, [(c.channel, c.visits, c.served) for c in view.channels]) == (1, [(channel, 1, 1)])


def test_what_became_of_the_guidance_to_devices_is_counted_by_business(office: Office, happened: Happened) -> None:
    fell_back = {"reason": {"rule": "r", "zh": "设备故障", "en": "down"}}
    office.receive(
        happened.issued("v1", "self_service"),
        happened.diverted("v1", triage.DiversionOffered),
        happened.diverted("v1", triage.DiversionAccepted),
        happened.diverted("v1", triage.DiversionCompleted),
        happened.issued("v2", "self_service"),
        happened.diverted("v2", triage.DiversionOffered),
        happened.diverted("v2", triage.DiversionDeclined),
        happened.issued("v3", "self_service"),
        happened.diverted("v3", triage.DiversionOffered, "bill_payment"),
        happened.diverted("v3", triage.DiversionFellBack, "bill_payment", **fell_back),
    )
    counted = [
        (of.business, of.offered, of.accepted, of.declined, of.completed, of.fell_back)
        for of in office.day().diversions
    ]
    assert counted == [("bill_payment", 1, 0, 0, 0, 1), ("query", 2, 1, 1, 1, 0)]


def test_a_second_ticket_of_a_visit_is_no_second_visit(office: Office, happened: Happened) -> None:
    office.receive(happened.issued("v", ticket="1"))
    office.receive(happened.issued("v", "corporate", ticket="2"))
    view = office.day()
    assert (view.visits, [c.channel for c in view.channels]) == (1, ["counter"])


def test_a_visit_that_ends_in_a_later_batch_ends_its_own_day(office: Office, happened: Happened) -> None:
    office.receive(happened.issued("v"))
    assert office.day().in_progress == 1
    office.clock.advance(86_400)
    office.receive(happened.ended("v"))
    assert (office.day().served, office.day().in_progress) == (1, 0)
    assert office.day(date(2026, 11, 25)).served == 0


def test_a_promise_is_kept_up_to_the_quoted_p90(office: Office, happened: Happened) -> None:
    office.receive(
        happened.issued("v1"), happened.called("v1", waited_s=120, promised_s=120),
        happened.issued("v2"), happened.called("v2", waited_s=120.01, promised_s=120), happened.no_show("v2"),
    )  # fmt: skip
    view = office.day()
    assert (view.promises, view.promises_kept, view.no_shows) == (2, 1, 1)


def test_vips_incidents_counters_and_staff_are_counted(office: Office, happened: Happened) -> None:
    office.receive(
        happened.vip_arrived("h1"), happened.vip_arrived("h2"), happened.handed_off("h1"),
        happened.dispute("i1"), happened.dispute("i2"), happened.settled("i1"),
        happened.counter_opened("1"), happened.counter_opened("2"), happened.counter_opened("1"),
        happened.roster(3), happened.roster(2, off_duty=4),
    )  # fmt: skip
    view = office.day()
    assert (view.vip_arrivals, view.vip_handoffs, view.counters_opened, view.managers_on_duty) == (2, 1, 2, 2)
    assert [(i.kind, i.opened, i.closed) for i in view.incidents] == [("dispute", 2, 1)]


def test_the_roster_holds_until_another_is_set(office: Office, happened: Happened) -> None:
    office.receive(happened.roster(3))
    happened.at = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)  # one in the morning of the 26th, in Shanghai
    office.receive(happened.roster(5))
    on_duty = {day: office.day(date(2026, 11, day)).managers_on_duty for day in (23, 24, 25, 26, 30)}
    assert on_duty == {23: 0, 24: 3, 25: 3, 26: 5, 30: 5}


def test_an_incident_is_closed_in_the_figures_of_the_day_it_was_opened_on(office: Office, happened: Happened) -> None:
    office.receive(happened.dispute("i1", day=date(2026, 11, 20)), happened.settled("i1", day=date(2026, 11, 20)))
    assert office.day().incidents == ()
    assert [(i.opened, i.closed) for i in office.day(date(2026, 11, 20)).incidents] == [(1, 1)]


def test_branches_do_not_mix(office: Office, happened: Happened) -> None:
    office.receive(*happened.visit("v1"), *Happened("other").visit("w1", "left"), happened.issued("v2"))
    assert (office.day().visits, office.day().left) == (2, 0)
    assert (office.day(branch="other").visits, office.day(branch="other").left) == (1, 1)


def test_an_event_that_comes_twice_is_counted_once(office: Office, happened: Happened) -> None:
    visit = list(happened.visit("v"))
    office.receive(*visit, *visit)
    office.hear_singly(visit)
    assert (office.day().visits, office.day().served, office.day().promises, office.day().events) == (1, 1, 1, 3)


def test_an_event_is_known_even_when_the_inbox_has_forgotten_it(
    office: Office, happened: Happened, storage: Storage, clock: ManualClock
) -> None:
    visit = list(happened.visit("v"))
    office.receive(*visit)
    clock.advance(86_400 * 60)
    storage.forget_answers()
    storage.forget_inbox()
    office.receive(*visit)
    assert (office.day().visits, office.day().events, office.dead_letters()) == (1, 3, [])


def test_two_events_in_one_place_of_a_history_are_noticed(office: Office, happened: Happened) -> None:
    first = happened.issued("v")
    office.receive(first)
    office.receive(first.model_copy(update={"id": "another"}))
    ((code, reason),) = office.dead_letters()
    assert code == "failed"
    assert "another claims place 1 of v" in reason
    assert office.day().events == 1


def test_a_gap_is_filled_from_the_producers_log(office: Office, happened: Happened, storage: Storage) -> None:
    empty_database(storage.settings, "triage")
    issued, called, ended = happened.visit("v")
    triage = Storage(storage.settings, "triage", clock=office.clock)
    with triage.transaction(BRANCH) as tx:
        for event in (issued, called, ended):
            tx.append_event(event, own=True)
    triage.close()
    office.receive(ended)
    assert (office.day().visits, office.day().served, office.day().promises, office.day().events) == (1, 1, 1, 3)
    assert [entry.event["id"] for entry in office.search().entries] == [issued.id, called.id, ended.id]
    office.receive(issued, called)
    assert (office.day().events, office.dead_letters()) == (3, [])


def test_subjects_of_two_services_may_have_one_name(office: Office, happened: Happened) -> None:
    office.receive(happened.issued("x"), happened.dispute("x"))
    assert (office.day().events, office.dead_letters()) == (2, [])


def test_an_event_belongs_to_the_chain_of_the_local_day_that_it_was_recorded_on(
    office: Office, happened: Happened
) -> None:
    late = happened.issued("v").model_copy(update={"recordedtime": datetime(2026, 11, 24, 16, 0, tzinfo=UTC)})
    office.receive(late)
    assert (office.day().visits, office.day().events) == (1, 0)
    assert (office.day(date(2026, 11, 25)).visits, office.day(date(2026, 11, 25)).events) == (0, 1)


def test_the_days_hash_is_that_of_its_last_event(office: Office, happened: Happened) -> None:
    office.receive(*happened.visit("v"))
    view, entries = office.day(TODAY), office.search().entries
    assert (view.events, view.journal_hash) == (3, entries[-1].hash)
