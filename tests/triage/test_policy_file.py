"""The policy as a file: the default says every field, and what is wrong is named with line and field."""

# ruff: noqa: E501 - a case a line: what is written, and what is said of it

from dataclasses import fields, replace
from textwrap import dedent

import pytest

from services.triage.policy import Policy
from services.triage.policy_file import InvalidPolicy, default, document_of, policy_of, read_policy_set, to_yaml


def read(text: str, branch: str = "") -> Policy:
    return read_policy_set(dedent(text), "policy.yaml").of(branch).policy


def refusal(text: str) -> str:
    with pytest.raises(InvalidPolicy) as caught:
        read_policy_set(dedent(text), "policy.yaml")
    return caught.value.detail


def test_the_packaged_default_says_every_field_and_says_what_the_code_assumes() -> None:
    assert set(default().bank.value) == {field.name for field in fields(Policy)}
    assert replace(default().of().policy, businesses={}, forms={}) == Policy()


def test_the_default_offers_at_least_25_businesses_with_names_in_both_languages() -> None:
    businesses = default().of().policy.businesses
    assert len(businesses) >= 25
    assert all(business.name.zh and business.name.en for business in businesses.values())


def test_a_policy_comes_back_from_its_own_text() -> None:
    document = document_of(default().of().policy)
    assert policy_of(document) == default().of().policy
    assert read(to_yaml(document)) == default().of().policy


def test_a_file_says_only_what_differs_and_a_branch_only_what_differs_there() -> None:
    text = """
    small_withdrawal_minor: 1_000_000
    branches:
      north:
        small_withdrawal_minor: 50_000
        businesses:
          coin_exchange: null
          cash_deposit: {channel: self_service}
    """
    bank, north = read(text), read(text, "north")
    assert (bank.small_withdrawal_minor, north.small_withdrawal_minor) == (1_000_000, 50_000)
    assert north.businesses["cash_deposit"].channel == "self_service"
    assert north.businesses["cash_deposit"].name == bank.businesses["cash_deposit"].name
    assert "coin_exchange" in bank.businesses
    assert "coin_exchange" not in north.businesses
    assert bank.green_age == 65


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "green_age: 60\nbusinesses:\n  cash_withdrawal:\n    channel: conter\n",
            "policy.yaml:4: businesses.cash_withdrawal.channel: 'conter' is not a channel; did you mean counter?",
        ),
        ("green_ag: 60", "policy.yaml:1: green_ag: there is no such field; did you mean green_age?"),
        ("\nageing_s: soon", "policy.yaml:2: ageing_s: a number is needed, not 'soon'"),
        ("ageing_s: 0", "policy.yaml:1: ageing_s: 0 is too small; it must be more than 0"),
        ("max_overtakes: 2.5", "policy.yaml:1: max_overtakes: a whole number is needed, not 2.5"),
        ("late_s: -1", "policy.yaml:1: late_s: -1 is too small; the least is 0"),
        ("green_urgent: 'yes'", "policy.yaml:1: green_urgent: true or false is needed, not 'yes'"),
        ("green_urgent: yes", "policy.yaml:1: green_urgent: true or false is needed, not 'yes'"),
        ("green_priority: 200", "policy.yaml:1: green_priority: 200 is too large; the most is 100"),
        ("vip_tiers: gold", "policy.yaml:1: vip_tiers: a list is needed, not 'gold'"),
        ("vip_tiers:\n- gold\n- platinium", "policy.yaml:3: vip_tiers.1: 'platinium' is not a card tier; did you mean platinum?"),
        ("priority_of_tier: {none: -1}", "policy.yaml:1: priority_of_tier.none: -1 is too small; the least is 0"),
        ("priority_of_tier: {gould: 1}", "policy.yaml:1: priority_of_tier.gould: 'gould' is not a card tier; did you mean gold?"),
        ("opening_hours:\n  mon: [17:00-09:00]", "policy.yaml:2: opening_hours.mon.0: '17:00-09:00' ends before it begins"),
        ("opening_hours:\n  mon: [nine to five]", "policy.yaml:2: opening_hours.mon.0: 'nine to five' is not a span of hours such as 09:00-17:00"),
        ("opening_hours:\n  mon: [09:00-12:00, 11:30-17:00]", "policy.yaml:2: opening_hours.mon.1: '11:30-17:00' begins before the span ahead of it ends"),
        ("special_days:\n  2026-13-01: []", "policy.yaml:2: special_days.2026-13-01: '2026-13-01' is not a date such as 2026-10-01"),
        ("special_days:\n  2026-10-01: [9-17]", "policy.yaml:2: special_days.2026-10-01.0: '9-17' is not a span of hours such as 09:00-17:00"),
        ("series:\n  green: {prefix: A}", "policy.yaml:2: series.green.prefix: 'A' is the prefix of counter already"),
        ("series:\n  green: {prefix: a}", "policy.yaml:2: series.green.prefix: 'a' does not match ^[A-Z]{1,4}$"),
        ("series: {green: null}", "policy.yaml:1: series: green has no number series"),
        ("businesses:\n  safe:\n    channel: counter", "policy.yaml:2: businesses.safe.name: is needed"),
        ("businesses:\n  query:\n    forms: [id_crad]", "policy.yaml:3: businesses.query.forms.0: 'id_crad' is not among the forms; did you mean id_card?"),
        ("businesses:\n  query:\n    devices: []", "policy.yaml:3: businesses.query.devices: `diversion: always` needs the kinds of device that can do it"),
        ("businesses:\n  fund:\n    devices: [atm]", "policy.yaml:3: businesses.fund.devices: no device is used with `diversion: never`; say always or small"),
        ("businesses:\n  'a;b': {name: {zh: 甲, en: A}, channel: counter}", "policy.yaml:2: businesses.a;b: a code has 1 to 64 letters, digits or _ . : + / -"),
        ("businesses:\n  query:\n    name: {zh: ''}", "policy.yaml:3: businesses.query.name.zh: a text is needed"),
        ('businesses:\n  query:\n    name: {en: "a\\nb"}', "policy.yaml:3: businesses.query.name.en: 'a\\nb' has characters that cannot be printed"),
        ("green_age: 60\ngreen_age: 65", "policy.yaml:2: green_age: is here twice; first in line 1"),
        ("businesses:\n  query: {diversion: always, diversion: small}", "policy.yaml:2: businesses.query.diversion: is here twice; first in line 2"),
        ("ageing_s: 12345678901234567890", "policy.yaml:1: ageing_s: 12345678901234567890 is too large; the most is 9007199254740992"),
        ("late_s: -1e20", "policy.yaml:1: late_s: -1e20 is too small; the least is -9007199254740992"),
        ("max_overtakes: !!int ten", "policy.yaml:1: max_overtakes: 'ten' cannot be read as tag:yaml.org,2002:int; write a text, a number, true, false or null"),
        ("series:\n  green:\n    width: 1e400", "policy.yaml:3: series.green.width: 1e400 is too large; the most is 9007199254740992"),
        ("businesses:\n  ? [query]\n  : {}", "policy.yaml:2: businesses: a name is needed before the colon"),
        ("branches: 12345678901234567890", "policy.yaml:1: branches: 12345678901234567890 is too large; the most is 9007199254740992"),
        ("green_age: [", "policy.yaml:1: not YAML: expected the node content, but found '<stream end>'"),
        ("- green_age", "policy.yaml:1: a mapping of fields is needed, such as `green_age: 65`"),
        ("branches:\n  north:\n    green_ag: 1", "policy.yaml:3: branches.north.green_ag: there is no such field; did you mean green_age?"),
        ("branches:\n  North: {}", "policy.yaml:2: branches.North: a branch id matches ^[a-z0-9][a-z0-9-]{0,31}$"),
        ("forms: !!timestamp 2026-11-24", "policy.yaml:1: forms: tag:yaml.org,2002:timestamp is not known here; write a text, a number, true, false or null"),
        ("green_age: .inf", "policy.yaml:1: green_age: .inf is too large; the most is 9007199254740992"),
        ("green_age: .nan", "policy.yaml:1: green_age: '.nan' cannot be read as tag:yaml.org,2002:float; write a text, a number, true, false or null"),
        ("%YAML 1.1\n---\ngreen_urgent: yes", "policy.yaml:3: green_urgent: true or false is needed, not 'yes'"),
        ("green_age: !!timestamp 2026-11-24", "policy.yaml:1: green_age: tag:yaml.org,2002:timestamp is not known here; write a text, a number, true, false or null"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line_and_field(text: str, said: str) -> None:
    assert refusal(text) == said


def test_everything_that_is_wrong_is_said_at_once_in_the_order_of_the_lines_and_once_each() -> None:
    text = """\
    ageing_s: never
    green_ag: 1
    branches:
      north: {green_age: old}
      south: {}
    """
    assert [line.partition(": ")[0] for line in refusal(text).splitlines()] == [
        "policy.yaml:1", "policy.yaml:2", "policy.yaml:4",
    ]  # fmt: skip


def test_a_value_that_cannot_be_read_hides_nothing_else() -> None:
    text = """\
    businesses:
      query: {diversion: allways}
      zz: {name: {zh: a, en: b}}
    series:
      counter: {prefix: g, width: 12345678901234567890}
      green: {prefix: L}
    late_s: 60
    late_s: soon
    branches:
      north:
        green_age: [!!int ten]
        ageing_s: 12345678901234567890
    """
    assert [line.rpartition(": ")[0] for line in refusal(text).splitlines()] == [
        "policy.yaml:2: businesses.query.diversion",
        "policy.yaml:3: businesses.zz.channel",
        "policy.yaml:5: series.counter.prefix",
        "policy.yaml:5: series.counter.width",
        "policy.yaml:8: late_s",
        "policy.yaml:8: late_s",
        "policy.yaml:11: branches.north.green_age",
        "policy.yaml:11: branches.north.green_age.0",
        "policy.yaml:12: branches.north.ageing_s",
    ]  # fmt: skip


def test_a_value_that_cannot_be_read_does_not_hide_that_parts_do_not_fit_together() -> None:
    assert [line.partition(": ")[0] for line in refusal("ageing_s: 1e99\nseries: {green: {prefix: A}}").splitlines()] == [
        "policy.yaml:1", "policy.yaml:2",
    ]  # fmt: skip


def test_a_text_that_unfolds_into_far_more_than_it_says_is_refused() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 8)
    )
    assert "too large when its aliases are unfolded" in refusal(bomb)
    assert "nested too deeply" in refusal("[" * 5000)
