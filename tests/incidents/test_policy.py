"""Which steps belong to which incident, in what order, and what closing needs (I1-I4)."""

import pytest

from services.incidents.policy import STEPS, IncidentKind, Missing, StepKind, allowed, missing, needed_before


def test_every_kind_can_be_escalated_and_noted() -> None:
    assert all({"escalated", "note"} <= set(steps) for steps in STEPS.values())


def test_colleagues_are_alerted_after_people_are_secured() -> None:
    assert needed_before("disruption", "colleagues_alerted", ()) == "people_secured"
    assert needed_before("disruption", "colleagues_alerted", ("police_called",)) == "people_secured"
    assert needed_before("disruption", "colleagues_alerted", ("people_secured",)) is None


def test_nothing_holds_up_a_call_to_the_police() -> None:
    assert needed_before("disruption", "police_called", ()) is None
    assert allowed("disruption", ()) == ("people_secured", "police_called", "calmed", "escalated", "note")


def test_a_hazard_is_rechecked_after_it_was_eliminated() -> None:
    assert needed_before("hazard", "rechecked", ("owner_assigned",)) == "eliminated"


@pytest.mark.parametrize(
    ("kind", "taken", "steps"),
    [
        ("dispute", ("stepped_in", "calmed"), ("resolved", "complaint_recorded")),
        ("dispute", ("resolved",), ()),
        ("dispute", ("complaint_recorded",), ()),
        ("dispute", ("escalated",), ("resolved", "complaint_recorded")),
        ("suspicious_person", ("asked", "advised_to_leave"), ("left_branch", "escalated")),
        ("suspicious_person", ("left_branch",), ()),
        ("suspicious_person", ("escalated",), ()),
        ("disruption", (), ("people_secured", "colleagues_alerted", "police_called")),
        ("disruption", ("police_called",), ("people_secured", "colleagues_alerted")),
        ("disruption", ("police_called", "people_secured", "colleagues_alerted"), ()),
        ("hazard", ("owner_assigned",), ("eliminated", "rechecked")),
        ("hazard", ("eliminated",), ("rechecked",)),
        ("hazard", ("eliminated", "rechecked"), ()),
        ("hazard", ("eliminated", "rechecked", "note"), ()),
        ("hazard", ("eliminated", "rechecked", "eliminated"), ("rechecked",)),
        ("hazard", ("eliminated", "rechecked", "eliminated", "note", "rechecked"), ()),
    ],
)
def test_what_closing_still_needs(kind: IncidentKind, taken: tuple[StepKind, ...], steps: tuple[StepKind, ...]) -> None:
    assert missing(kind, taken).steps == steps


def test_a_dispute_needs_any_one_end_a_disruption_all_of_its_steps() -> None:
    assert missing("dispute", ()).any_one
    assert missing("disruption", ()) == Missing(steps=("people_secured", "colleagues_alerted", "police_called"))
