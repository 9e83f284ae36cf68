"""Whom a hand-off is offered to (V3)."""

from datetime import date, datetime, timedelta

import pytest

from services.vip.model import Handoff, Roster
from services.vip.policy import LOUNGE_TASKS, OFFER_TIMEOUT, choose, kind_for, place
from shared.contracts.events.vip import HandoffEscalated, HandoffOffered, LoungeSeated, LoungeTaskDue, Manager

NOW = datetime.fromisoformat("2026-11-24T09:00:00+08:00")


def handoff(**fields: object) -> Handoff:
    base: dict[str, object] = {
        "handoff_id": "h", "visit_id": "v", "branch": "demo", "business_date": date(2026, 11, 24),
        "arrived_at": NOW, "tier": "gold",
    }  # fmt: skip
    return Handoff(**{**base, **fields})  # type: ignore[arg-type]


def roster(*managers: Manager) -> Roster:
    return Roster(branch="demo", version=1, managers=managers)


def chosen(of: Handoff, staff: Roster, **loads: int) -> tuple[str, str] | None:
    choice = choose(of, staff, loads)
    return None if choice is None else (choice.manager.manager_id, choice.reasons[0].rule)


RETAIL = Manager(manager_id="r", kind="retail")
WEALTH = Manager(manager_id="w", kind="wealth")
CREDIT = Manager(manager_id="c", kind="credit")
LOBBY = Manager(manager_id="a-lobby", kind="lobby")


@pytest.mark.parametrize(
    ("business", "kind"),
    [
        ("wealth_purchase", "wealth"), ("fund_redemption", "wealth"), ("insurance", "wealth"),
        ("personal_loan", "credit"), ("mortgage", "credit"), ("corporate_account", "corporate"),
        ("credit_card_application", "retail"), ("cash_withdrawal", "retail"), (None, "retail"),
    ],
)  # fmt: skip
def test_the_kind_that_fits_a_business(business: str | None, kind: str) -> None:
    assert kind_for(business) == kind


def test_the_own_manager_comes_before_the_kind_that_fits() -> None:
    of = handoff(business="personal_loan", own_manager_id="w")
    assert chosen(of, roster(CREDIT, WEALTH)) == ("w", "own_manager")


def test_the_kind_that_fits_comes_before_the_others() -> None:
    assert chosen(handoff(business="personal_loan"), roster(RETAIL, WEALTH, CREDIT)) == ("c", "kind_fits")


def test_another_kind_is_asked_when_the_fitting_one_is_full_and_the_lobby_manager_last() -> None:
    assert chosen(handoff(business="personal_loan"), roster(LOBBY, WEALTH, CREDIT), c=1) == ("w", "fallback")
    assert chosen(handoff(), roster(LOBBY, WEALTH), w=1) == ("a-lobby", "fallback")


def test_who_has_least_in_hand_comes_first_and_then_the_smaller_id() -> None:
    two = roster(Manager(manager_id="a", kind="retail", max_load=3), Manager(manager_id="b", kind="retail", max_load=3))
    assert chosen(handoff(), two, a=1) == ("b", "kind_fits")
    assert chosen(handoff(), two) == ("a", "kind_fits")


def test_nobody_is_asked_who_is_off_duty_full_or_was_asked_before() -> None:
    off = Manager(manager_id="o", kind="retail", on_duty=False)
    assert chosen(handoff(asked=("w",)), roster(off, WEALTH, RETAIL), r=1) is None


def test_a_choice_says_why_in_chinese_and_english() -> None:
    choice = choose(handoff(business="mortgage"), roster(CREDIT), {})
    assert choice is not None
    assert [(r.zh, r.en) for r in choice.reasons] == [
        ("信贷客户经理适合该业务", "a credit manager fits the business"),
        ("手头 0 位客户, 上限 1 位", "has 0 of 1 in hand"),
    ]


def test_an_offer_runs_out_after_its_time() -> None:
    (offer,) = place(handoff(asked=("x",)), roster(RETAIL), {}, ahead=0, now=NOW)
    assert isinstance(offer, HandoffOffered)
    assert (offer.attempt, offer.expires_at) == (2, NOW + OFFER_TIMEOUT)


def test_when_all_are_busy_the_customer_is_seated_with_a_promise_and_tea_and_magazines() -> None:
    seated, *tasks = place(handoff(), roster(RETAIL, LOBBY), {"r": 1, "a-lobby": 1}, ahead=0, now=NOW)
    assert isinstance(seated, LoungeSeated)
    assert NOW < seated.promised_at <= NOW + timedelta(hours=1)
    assert [(t.task, t.owner, t.due_at - NOW) for t in tasks if isinstance(t, LoungeTaskDue)] == [
        (task, "a-lobby", due) for task, due in LOUNGE_TASKS
    ]


def test_a_seated_customer_is_not_seated_again() -> None:
    assert place(handoff(promised_at=NOW), roster(RETAIL), {"r": 1}, ahead=0, now=NOW) == ()


def test_who_waits_further_behind_is_promised_a_later_time() -> None:
    promises = [place(handoff(), roster(RETAIL), {"r": 1}, ahead=n, now=NOW)[0].promised_at for n in (0, 1, 2)]  # type: ignore[union-attr]
    assert promises[0] < promises[1] < promises[2]


@pytest.mark.parametrize(
    ("staff", "asked", "reason"),
    [(roster(), (), "nobody_on_duty"), (roster(RETAIL), ("r",), "all_asked")],
)
def test_the_supervisor_has_it_when_nobody_is_left_to_ask(staff: Roster, asked: tuple[str, ...], reason: str) -> None:
    (escalated,) = place(handoff(asked=asked), staff, {}, ahead=0, now=NOW)
    assert isinstance(escalated, HandoffEscalated)
    assert escalated.reason == reason
