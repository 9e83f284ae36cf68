"""Routing, the line and the estimates, as functions of what they are told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.triage.model import Customer
from services.triage.policy import History, Policy, close_matches, line_of, promise, rank, route
from services.triage.policy_file import default
from shared.contracts.base import Name
from shared.contracts.triage import Channel

NINE = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
POLICY = default().of().policy
TRACE = (
    "account_service", "account_opening", "securities_trading", "callback_request", "internet_banking_support",
    "account_service_en",
)  # fmt: skip
NOBODY: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("business", "amount", "customer", "up", "channel", "priority", "rules"),
    [
        ("account_service", None, NOBODY, (), "counter", 0, ["route.counter"]),
        ("account_service", None, {"card_tier": "gold"}, (), "counter", 1, ["route.counter", "priority.gold"]),
        ("account_service", None, {"card_tier": "platinum"}, (), "vip", 2, ["vip.tier"]),
        ("mortgage", None, {"card_tier": "private"}, (), "vip", 3, ["vip.tier"]),
        ("query", None, {"card_tier": "private", "age": 80}, ("atm",), "vip", 3, ["vip.tier"]),
        ("account_service", None, {"age": 64}, (), "counter", 0, ["route.counter"]),
        ("account_service", None, {"age": 65}, (), "green", 2, ["green.age"]),
        ("query", None, {"mobility_impaired": True}, ("atm",), "green", 2, ["green.mobility"]),
        ("query", None, {"pregnant": True}, ("atm",), "green", 2, ["green.pregnant"]),
        ("query", None, {"with_infant": True}, ("atm",), "green", 2, ["green.infant"]),
        ("cash_deposit", None, {"urgent": True}, (), "green", 2, ["green.urgent"]),
        ("cash_withdrawal", 2_000_000, NOBODY, ("atm",), "self_service", 0, ["divert.small"]),
        ("cash_withdrawal", 2_000_001, NOBODY, ("atm",), "counter", 0, ["route.counter"]),
        ("cash_withdrawal", None, NOBODY, ("atm",), "counter", 0, ["route.counter"]),
        ("cash_withdrawal", 100, NOBODY, ("kiosk", "printer"), "counter", 0, ["divert.no_device"]),
        ("cash_withdrawal", 100, {"card_tier": "gold"}, (), "counter", 1, ["divert.no_device", "priority.gold"]),
        ("query", None, NOBODY, ("kiosk",), "self_service", 0, ["divert.small"]),
        ("bill_payment", 9_000_000, NOBODY, ("kiosk",), "self_service", 0, ["divert.small"]),
        ("bill_payment", None, NOBODY, ("atm",), "counter", 0, ["divert.no_device"]),
        ("corporate_settlement", None, NOBODY, (), "corporate", 0, ["route.corporate"]),
        ("corporate_consulting", None, NOBODY, (), "corporate_desk", 0, ["route.corporate_desk"]),
        ("mortgage", None, NOBODY, (), "loan_desk", 0, ["route.loan"]),
        ("mortgage", None, {"age": 70}, (), "loan_desk", 2, ["route.loan", "green.age"]),
        ("fund", None, NOBODY, (), "wealth_desk", 0, ["route.wealth"]),
    ],
)  # fmt: skip
def test_routing(
    business: str, amount: int | None, customer: dict[str, Any], up: tuple[str, ...], channel: Channel, priority: int,
    rules: list[str],
) -> None:  # fmt: skip
    chosen = route(POLICY, POLICY.businesses[business], amount, Customer(**customer), up)
    assert (chosen.channel, chosen.priority) == (channel, priority)
    assert [reason.rule for reason in chosen.reasons] == rules
    assert all(reason.zh and reason.en for reason in chosen.reasons)


def test_the_age_of_the_green_channel_is_the_policys() -> None:
    chosen = route(Policy(green_age=60), POLICY.businesses["account_service"], None, Customer(age=60), ())
    assert chosen.channel == "green"
    assert chosen.reasons[0].zh == "60岁以上,走绿色通道"


def test_the_catalogue_names_every_business_in_both_languages_and_what_it_needs() -> None:
    assert len(POLICY.businesses) >= 25
    for code, business in POLICY.businesses.items():
        assert business.name.zh and business.name.en  # noqa: PT018 - one business, one claim
        assert (business.diversion == "never") == (business.devices == ())
        assert business.channel in POLICY.series
        assert TypeAdapter(Name).validate_python(code) == code
    with_forms = [business for business in POLICY.businesses.values() if business.forms]
    assert len(with_forms) > 30


@pytest.mark.parametrize("business", TRACE)
def test_the_businesses_of_the_traces_are_done_at_the_counter(business: str) -> None:
    assert (
        route(POLICY, POLICY.businesses[business], None, Customer(), ("atm", "crs", "vtm", "kiosk")).channel
        == "counter"
    )


def test_a_mistyped_business_has_close_matches() -> None:
    assert close_matches("cash_withdrawl", POLICY.businesses)[0] == "cash_withdrawal"
    assert close_matches("zzz", POLICY.businesses) == ()


def test_every_channel_has_a_letter_of_its_own() -> None:
    assert len({series.prefix for series in POLICY.series.values()}) == len(POLICY.series) == 10


def test_the_green_channel_stands_in_the_counters_line() -> None:
    assert set(line_of("green")) == set(line_of("counter")) == {"green", "counter"}
    assert line_of("vip") == ("vip",)


def test_priority_is_worth_so_much_waiting_and_no_more() -> None:
    gold = rank(POLICY, NINE, 1)
    assert gold < rank(POLICY, NINE - timedelta(seconds=299), 0)
    assert gold > rank(POLICY, NINE - timedelta(seconds=301), 0)


HISTORIES = st.builds(
    History, service_s=st.none() | st.floats(0, 5000), last_wait_s=st.none() | st.floats(0, 20000), served=st.just(5)
)


@given(history=HISTORIES, ahead=st.integers(0, 2000), serving=st.integers(0, 30), busy=st.integers(0, 30))
def test_a_promise_is_never_negative_and_90_percent_is_never_less_than_half(
    history: History, ahead: int, serving: int, busy: int
) -> None:
    promised = promise(POLICY, history, ahead=ahead, serving=serving, busy=min(busy, serving))
    assert 0 <= promised.p50_s <= promised.p90_s


@given(history=HISTORIES, ahead=st.integers(0, 500), serving=st.integers(1, 30))
def test_a_promise_grows_with_the_line(history: History, ahead: int, serving: int) -> None:
    shorter = promise(POLICY, history, ahead=ahead, serving=serving, busy=serving)
    longer = promise(POLICY, history, ahead=ahead + 1, serving=serving, busy=serving)
    assert shorter.p50_s <= longer.p50_s
    assert shorter.p90_s <= longer.p90_s


def test_who_finds_a_free_counter_is_promised_next_to_no_wait() -> None:
    promised = promise(POLICY, History(), ahead=0, serving=2, busy=1)
    assert (promised.p50_s, promised.p90_s) == (0, POLICY.least_p90_s)


@given(history=HISTORIES, ahead=st.integers(0, 500), serving=st.integers(0, 30), busy=st.integers(0, 30))
def test_no_promise_is_so_short_that_the_walk_to_the_counter_breaks_it(
    history: History, ahead: int, serving: int, busy: int
) -> None:
    assert promise(POLICY, history, ahead=ahead, serving=serving, busy=min(busy, serving)).p90_s >= 30


def test_a_branch_without_a_history_promises_by_the_policys_mean() -> None:
    assert promise(POLICY, History(), ahead=3, serving=2, busy=2).p50_s == 4 * 300 / 2


def test_the_wait_of_who_was_called_last_corrects_the_promise() -> None:
    slow = History(service_s=100.0, last_wait_s=900.0, served=50)
    assert promise(POLICY, slow, ahead=0, serving=1, busy=1).p50_s == (100 + 900) / 2


def test_the_mean_service_follows_what_is_measured() -> None:
    history = History()
    for _ in range(40):
        history = history.after_service(POLICY, 120.0)
    assert history.served == 40
    assert history.service_s == pytest.approx(120, abs=5)
