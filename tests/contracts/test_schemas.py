"""The JSON Schemas stand on their own and say what the models say."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from shared.contracts.schemas import DIALECT, documents
from tests.contracts.test_fixtures import FIXTURES


@pytest.mark.parametrize("name", list(documents()))
def test_each_is_a_valid_schema_of_its_own(name: str) -> None:
    schema = documents()[name]
    assert schema["$schema"] == DIALECT
    assert schema["$id"] == f"urn:lobby:schema:{name}"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
def test_an_event_is_valid_by_its_type_s_schema_only(fixture: Path) -> None:
    event = json.loads(fixture.read_text("utf-8"))
    validators = {
        name: Draft202012Validator(schema, format_checker=FormatChecker()) for name, schema in documents().items()
    }
    assert [error.message for error in validators[event["type"]].iter_errors(event)] == []
    assert {name for name, validator in validators.items() if validator.is_valid(event)} == {event["type"], "envelope"}


def test_a_time_without_an_offset_is_refused() -> None:
    schema = Draft202012Validator(documents()["envelope"], format_checker=FormatChecker())
    event = json.loads(FIXTURES[0].read_text("utf-8"))
    assert schema.is_valid(event)
    assert not schema.is_valid({**event, "time": "2026-11-24T09:30:15"})
