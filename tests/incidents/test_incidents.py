"""Incidents through the real database: opened, handled, closed, amended, and seen at any instant (I1-I4, I6)."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from services.incidents import errors
from services.incidents.model import lobby_state as folding
from shared.contracts.events import incidents as contract
from shared.contracts.http.incidents import RecordStep
from shared.storage.verification import verify
from shared.work_items import Ended
from tests.incidents.record import BRANCH, Record

SHA = "a" * 64


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("dispute", "dispute_opened"), ("suspicious_person", "suspicious_person_opened"),
        ("disruption", "disruption_opened"), ("hazard", "hazard_opened"),
    ],
)  # fmt: skip
def test_each_kind_opens_with_its_own_event(record: Record, kind: str, event: str) -> None:
    incident = record.open(kind, where="门口", people=["guard"], cause="queue", severity="high", device_id="atm-1")
    assert (incident.kind, incident.state, incident.reported_by, incident.branch) == (kind, "open", "li", BRANCH)
    (entry,) = record.timeline(incident.incident_id).entries
    assert entry.type == f"lobby.incidents.{event}.v1"
    assert entry.data["where"] == "门口"
    assert record.get(incident.incident_id) == incident


def test_the_business_date_is_the_local_day_on_which_it_happened(record: Record) -> None:
    nine = record.clock.now()  # one o'clock of the same day in UTC
    early, late = nine - timedelta(hours=2), nine - timedelta(hours=10)
    assert early.date() < nine.date()
    assert str(record.open().business_date) == "2026-11-24"
    assert str(record.open(happened_at=early).business_date) == "2026-11-24"
    assert str(record.open(happened_at=late).business_date) == "2026-11-23"


def test_an_incident_cannot_have_happened_later_than_now(record: Record) -> None:
    with pytest.raises(errors.HappenedInFuture) as caught:
        record.open(happened_at=record.clock.now() + timedelta(hours=1))
    assert caught.value.extra["errors"][0]["field"] == "happened_at"
    assert record.list().incidents == ()


def test_a_dispute_is_handled_closed_and_amended(record: Record) -> None:
    opened = record.open()
    for step in ("stepped_in", "calmed", "cause_found", "resolved"):
        record.step(opened.incident_id, step, note=step)
    closed = record.close(opened.incident_id, "both apologised")
    amended = record.amend(opened.incident_id, "a third person saw it")
    assert [step.step for step in closed.steps] == ["stepped_in", "calmed", "cause_found", "resolved"]
    assert (closed.state, closed.resolution, closed.due, closed.next_steps) == ("closed", "both apologised", (), ())
    assert closed.closed_at == opened.opened_at + timedelta(seconds=50)
    assert [(a.note, a.by) for a in amended.amendments] == [("a third person saw it", "zhao")]
    assert amended.model_copy(update={"amendments": ()}) == closed


def test_the_events_are_gapless_and_say_how_long_it_was_open(record: Record) -> None:
    incident_id = record.open().incident_id
    record.step(incident_id, "resolved")
    record.close(incident_id)
    events = record.events(incident_id)
    assert [event.sequence for event in events] == [1, 2, 3]
    assert {(event.subject, event.branchid) for event in events} == {(incident_id, BRANCH)}
    assert isinstance(events[-1].data, contract.IncidentClosed)
    assert events[-1].data.open_s == 20


def test_a_step_holds_its_evidence_by_content(record: Record) -> None:
    incident_id = record.open().incident_id
    photo = {"sha256": SHA, "media_type": "image/jpeg", "name": "door.jpg"}
    (step,) = record.step(incident_id, "note", evidence=[photo]).steps
    assert step.evidence[0].sha256 == SHA


def test_a_step_of_another_kind_is_refused_with_what_is_possible(record: Record) -> None:
    incident_id = record.open("hazard").incident_id
    with pytest.raises(errors.StepNotAllowed) as caught:
        record.step(incident_id, "police_called")
    assert caught.value.extra == {"state": "open", "allowed": ["owner_assigned", "eliminated", "escalated", "note"]}


def test_peoples_safety_comes_first_and_the_refusal_says_so(record: Record) -> None:
    incident_id = record.open("disruption").incident_id
    with pytest.raises(errors.StepOutOfOrder) as caught:
        record.step(incident_id, "colleagues_alerted")
    assert caught.value.extra["next"] == "people_secured"
    assert record.get(incident_id).steps == ()


def test_the_police_are_one_touch_away_and_what_was_left_out_stays_due(record: Record) -> None:
    incident_id = record.open("disruption").incident_id
    called = record.step(incident_id, "police_called")
    assert called.due == ("people_secured", "colleagues_alerted")
    assert record.timeline(incident_id).entries[-1].data["still_due"] == ["people_secured", "colleagues_alerted"]
    with pytest.raises(errors.IncidentUnfinished) as caught:
        record.close(incident_id)
    assert caught.value.extra["missing"] == ["people_secured", "colleagues_alerted"]
    record.step(incident_id, "people_secured")
    record.step(incident_id, "colleagues_alerted")
    assert record.close(incident_id).state == "closed"


def test_an_incident_without_an_end_cannot_be_closed(record: Record) -> None:
    incident_id = record.open("suspicious_person").incident_id
    record.step(incident_id, "asked")
    with pytest.raises(errors.IncidentUnfinished) as caught:
        record.close(incident_id)
    assert caught.value.extra == {"state": "open", "missing": ["left_branch", "escalated"]}


def test_a_closed_record_takes_nothing_but_amendments(record: Record) -> None:
    incident_id = record.open().incident_id
    record.step(incident_id, "resolved")
    before = record.close(incident_id)
    with pytest.raises(errors.IncidentIsClosed):
        record.step(incident_id, "note")
    with pytest.raises(errors.IncidentIsClosed):
        record.close(incident_id)
    assert record.get(incident_id) == before


def test_an_open_record_is_not_amended(record: Record) -> None:
    incident_id = record.open().incident_id
    with pytest.raises(errors.IncidentIsOpen):
        record.amend(incident_id)


def test_an_unknown_incident_is_not_found(record: Record) -> None:
    for look in (record.get, record.timeline, record.close):
        with pytest.raises(errors.IncidentNotFound):
            look("nobody")


def test_the_record_can_be_seen_as_it_was_at_any_instant(record: Record) -> None:
    seen = [record.open("hazard", people=["cleaner"])]
    incident_id = seen[0].incident_id
    seen += [record.step(incident_id, step) for step in ("owner_assigned", "eliminated", "rechecked")]
    seen += [record.close(incident_id), record.amend(incident_id)]
    opened_at = seen[0].opened_at
    for n, view in enumerate(seen):
        assert record.get(incident_id, opened_at + timedelta(seconds=10 * n)) == view
        assert record.get(incident_id, opened_at + timedelta(seconds=10 * n + 9)) == view
    with pytest.raises(errors.IncidentNotFound):
        record.get(incident_id, opened_at - timedelta(seconds=1))


def test_a_branchs_incidents_are_listed_with_the_newest_first(record: Record) -> None:
    opened = []
    for _ in range(3):
        record.clock.advance(1)
        opened.append(record.open().incident_id)
    assert [incident.incident_id for incident in record.list().incidents] == opened[::-1]


def test_a_closed_incident_older_than_the_kept_ones_is_read_from_the_log_and_amended(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "NEWEST", 2)
    old = record.open().incident_id
    still_open = record.open("hazard").incident_id
    record.step(old, "resolved")
    closed = record.close(old)
    for _ in range(2):
        record.clock.advance(1)
        newest = record.open().incident_id
    assert record.get(old) == closed
    assert record.amend(old).amendments[0].note == "more was found"
    assert record.step(still_open, "owner_assigned").state == "open"
    listed = record.list().incidents
    assert len(listed) == 2
    assert listed[0].incident_id == newest


def test_the_state_and_the_look_ups_are_what_the_log_says(record: Record) -> None:
    closed = record.open("hazard").incident_id
    for step in ("owner_assigned", "eliminated", "rechecked"):
        record.step(closed, step)
    record.close(closed)
    record.open()
    assert verify(record.incidents.storage, BRANCH) == []


def test_a_hazard_is_somebodys_by_a_time_until_it_is_closed(record: Record) -> None:
    opened = record.open("hazard")
    assert (opened.owner, opened.due_at) == (None, None)
    due = record.clock.now() + timedelta(hours=2)
    id_ = opened.incident_id
    assigned = record.step(id_, "owner_assigned", owner="wang", due_at=due.isoformat())
    assert (assigned.owner, assigned.due_at) == ("wang", due)
    reassigned = record.step(id_, "owner_assigned", owner="zhao")
    assert (reassigned.owner, reassigned.due_at) == ("zhao", due)
    before = record.clock.now()
    record.step(id_, "eliminated")
    record.step(id_, "rechecked")
    record.close(id_, "the cable is fixed")
    at_that_time = record.get(id_, at=before - timedelta(seconds=5))
    assert (at_that_time.owner, at_that_time.due_at) == ("wang", due)
    data = [event.data for event in record.events(id_)]
    incident = folding.folded(BRANCH, [(one, before) for one in data])
    assert incident is not None
    assert incident.work is not None
    assert incident.work.ended == Ended(fate="done", by="zhao", at=before, why="the cable is fixed")


def test_only_a_hazards_assignment_names_an_owner_and_a_due_time(record: Record) -> None:
    dispute = folding.folded(BRANCH, [(e.data, e.time) for e in record.events(record.open().incident_id)])
    assert dispute is not None
    assert dispute.work is None
    with pytest.raises(ValidationError, match="go with the step owner_assigned alone"):
        RecordStep(step="eliminated", owner="wang")
