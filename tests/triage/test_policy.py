"""Routing, the line and the estimates, as functions of what they are told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from services.triage.policy import Policy, close_matches, line_of, rank, route
from services.triage.policy_file import default
from shared.contracts.base import Name
from shared.contracts.events.triage import Channel
from shared.contracts.events.types import Customer

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


@pytest.mark.parametrize(
    ("business", "currency", "channel"),
    [
        ("cash_withdrawal", "CNY", "self_service"),
        ("cash_withdrawal", "USD", "counter"),
        ("cash_withdrawal", "JPY", "counter"),
        ("bill_payment", "USD", "self_service"),
    ],
)
def test_an_amount_in_another_currency_is_not_small(business: str, currency: str, channel: Channel) -> None:
    chosen = route(POLICY, POLICY.businesses[business], 1, Customer(), ("atm", "kiosk"), currency=currency)
    assert chosen.channel == channel


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
