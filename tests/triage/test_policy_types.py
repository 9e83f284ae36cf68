"""Dataclass, YAML, schema and documentation say the same, for fields that nobody has thought of yet too."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import partial
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from services.triage.policy import Policy
from services.triage.policy_file import (
    FORMAT,
    TITLES,
    InvalidPolicy,
    default,
    document_of,
    policy_of,
    read_policy_set,
    to_yaml,
)
from shared.policy_files.schema import definitions_of, reference, schema
from shared.policy_files.validation import entry_of, without_none
from shared.policy_files.yaml_reader import parse

ROOT = Path(__file__).parents[2]
DEFAULT = ROOT / "services/triage/policy/default.yaml"

LINE = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))
"""What a text of one line is made of; others are refused."""


def of_kind(kind: Any, limits: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Return values of a type, within what its field says of them."""
    if NoneType in get_args(kind):
        return st.none() | of_kind(without_none(kind), limits)
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if is_dataclass(kind) and isinstance(kind, type):
        return records(kind)
    if (entry := entry_of(kind)) is not None:
        return st.dictionaries(of_kind(get_args(without_none(kind))[0], {}), of_kind(entry, {}), max_size=3)
    if get_origin(kind) is tuple:
        return st.lists(of_kind(get_args(kind)[0], {}), max_size=3).map(tuple)
    return plain(kind, limits)


def plain(kind: Any, limits: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    least = limits.get("ge", limits.get("gt", -(10**12)))
    if kind is int:
        return st.integers(least, limits.get("le", 10**12))
    if kind is float:
        return st.floats(
            least, limits.get("le", 1e12), exclude_min="gt" in limits, allow_nan=False, allow_infinity=False
        )
    if kind is bool:
        return st.booleans()
    assert kind is str, f"teach this test to make a {kind}"
    return st.from_regex(limits["pattern"], fullmatch=True) if "pattern" in limits else st.text(LINE, max_size=20)


def records(record: type) -> st.SearchStrategy[Any]:
    hints = get_type_hints(record)
    return st.builds(record, **{field.name: of_kind(hints[field.name], field.metadata) for field in fields(record)})


@given(policy=records(Policy))
@settings(max_examples=100, deadline=None)
def test_any_policy_comes_back_from_its_text_from_its_document_and_from_json(policy: Policy) -> None:
    document = document_of(policy)
    written = parse(to_yaml(document), "policy.yaml").plain()
    assert FORMAT.adapter.validate_json(json.dumps(written), strict=True) == policy
    assert FORMAT.adapter.validate_json(json.dumps(parse(json.dumps(document), "body").plain()), strict=True) == policy
    assert policy_of(document) == policy


WORDS = st.sampled_from(
    [
        *("green_age", "ageing_s", "businesses", "branches", "north", "series", "query", "name", "zh", "special_days"),
        *("opening_hours", "mon", "vip_tiers", "forms", "devices", "atm", "保管箱", "null", "true", "0", "-1", "1_0"),
        *(
            "1e999",
            "9" * 30,
            "9" * 5000,
            "0x1f",
            '"\\ud800"',
            "<<",
            "*a",
            "&a ",
            "!!int ",
            "!!float x",
            "!!bool x",
            "!x ",
        ),
        *(": ", ":\n  ", "\n", "\n  ", "- ", "[", "]", "{", "}", ", ", "?", "'", '"', "|", "#", "%", "\t", "\0"),
        *("---\n", "..."),
    ]
)


@given(text=st.lists(WORDS, max_size=25).map("".join) | st.text() | st.binary())
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_policy_or_is_refused_with_a_line(text: str | bytes) -> None:
    """Whatever is sent is never our mistake."""
    for read in (partial(default().with_overrides, "demo", text), partial(read_policy_set, text, "policy.yaml")):
        try:
            read()
            problems = None
        except InvalidPolicy as error:
            problems = error.problems
        assert problems is None or (problems and all(problem.line >= 1 and problem.message for problem in problems))


def test_a_policy_that_an_older_version_recorded_has_the_defaults_of_what_it_did_not_know() -> None:
    document = document_of(Policy(green_age=50))
    del document["max_overtakes"]
    assert policy_of({**document, "of_tomorrow": 1}) == Policy(green_age=50)


@pytest.mark.parametrize("record", TITLES, ids=lambda record: record.__name__)
def test_every_field_says_what_it_means(record: type) -> None:
    described = definitions_of(Policy)[record.__name__]["properties"]
    assert {name for name, field in described.items() if field["description"]} == {f.name for f in fields(record)}


def test_every_record_of_the_policy_that_has_a_choice_is_documented() -> None:
    assert set(definitions_of(Policy)) - {"LocalizedText"} == {record.__name__ for record in TITLES}


@pytest.mark.parametrize("field", fields(Policy), ids=lambda field: field.name)
def test_a_field_has_a_default(field: Field[Any]) -> None:
    assert field.default is not MISSING or field.default_factory is not MISSING


def test_the_default_fits_its_schema_and_the_schema_describes_every_field() -> None:
    described = schema(Policy)
    Draft202012Validator.check_schema(described)
    assert [error.message for error in Draft202012Validator(described).iter_errors(default_document())] == []
    assert set(described["properties"]) == {field.name for field in fields(Policy)} | {"branches"}
    assert all(field["description"] for field in described["properties"].values())


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("branches: {north: {green_age: 60, businesses: {query: {channel: counter}, fund: null}}}", True),
        ("series: {green: {prefix: GR}}", True),
        ("green_ag: 60", False),
        ("green_age: sixty", False),
        ("businesses: {query: {chanel: counter}}", False),
        ("branches: {North: {}}", False),
        ("branches: {north: {branches: {}}}", False),
    ],
)
def test_the_schema_takes_what_a_file_may_say_and_nothing_else(text: str, fits: bool) -> None:
    assert Draft202012Validator(schema(Policy)).is_valid(YAML(typ="safe", pure=True).load(text)) is fits


def test_the_documents_reference_is_the_codes() -> None:
    """`lobby policy schema --markdown` prints what belongs between the marks of docs/policy.md."""
    text = (ROOT / "docs/policy.md").read_text("utf-8")
    assert text.partition("<!-- reference -->\n\n")[2].partition("\n<!-- end of the reference -->")[0] == reference(
        Policy, TITLES
    )


def default_document() -> Any:
    return YAML(typ="safe", pure=True).load(DEFAULT.read_text("utf-8"))
