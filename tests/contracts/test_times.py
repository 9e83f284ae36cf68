"""Times and dates that callers say are ones that can be reckoned with; what was taken once stays readable."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.contracts import registry
from shared.contracts.base import YEARS_PATTERN, GivenDate, GivenTime
from shared.contracts.http.catalog import OPERATIONS
from tests.contracts.test_fixtures import FIXTURES

TIME: TypeAdapter[Any] = TypeAdapter(GivenTime)
DATE: TypeAdapter[Any] = TypeAdapter(GivenDate)


def days(schema: Any) -> Iterator[dict[str, Any]]:
    """Return each part of a schema that is a date or a time."""
    if isinstance(schema, list):
        for part in schema:
            yield from days(part)
    elif isinstance(schema, dict):
        if schema.get("format") in ("date", "date-time"):
            yield schema
        for part in schema.values():
            yield from days(part)


@pytest.mark.parametrize("given", ["0001-01-01", "1969-12-31", "2200-01-01", "9999-12-31"])
def test_a_year_that_nobody_means_is_refused(given: str) -> None:
    for adapter, text in ((DATE, given), (TIME, f"{given}T00:00:00+14:00"), (TIME, f"{given}T23:59:59-14:00")):
        with pytest.raises(ValidationError, match="between 1970 and 2199"):
            adapter.validate_python(text)


@pytest.mark.parametrize("given", ["1970-01-01", "1999-02-01", "2026-11-24", "2199-12-31"])
def test_any_other_year_is_taken(given: str) -> None:
    assert str(DATE.validate_python(given)) == given
    assert TIME.validate_python(f"{given}T00:00:00+14:00")


MODELS = {model for operation in OPERATIONS for model in (operation.request, operation.query) if model is not None}


@pytest.mark.parametrize("model", sorted(MODELS, key=lambda model: model.__name__))
def test_no_call_takes_another_kind_of_date_or_time(model: type[BaseModel]) -> None:
    assert [day for day in days(model.model_json_schema()) if day.get("pattern") != YEARS_PATTERN] == []


def test_an_event_of_the_log_is_read_whatever_its_year() -> None:
    event = json.loads(FIXTURES[0].read_text("utf-8")) | {"time": "0001-01-01T00:00:00+23:00"}
    assert registry.decode(json.dumps(event).encode()).time.year == 1
