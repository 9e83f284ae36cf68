"""Events are plain frozen dataclasses, checked as what they say before they are stored and when they are read."""

from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from typing import get_type_hints

import pytest
from pydantic import BaseModel, ValidationError

from shared.contracts import registry
from shared.contracts.catalog import registry as complete
from shared.contracts.envelope import EventData, as_json, as_json_bytes, validated
from shared.contracts.events.terminal import TicketRequest
from shared.contracts.events.triage import CounterClosed, Overtaken, TicketCalled
from shared.contracts.http.triage import TakeTicket
from tests.contracts.test_fixtures import FIXTURES

MODELS = complete.all_types().values()


STORED = [registry.decode(path.read_bytes()).data for path in FIXTURES]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_an_event_is_a_frozen_dataclass_with_fields_by_name_only(model: type[EventData]) -> None:
    assert is_dataclass(model)
    assert not issubclass(model, BaseModel)
    assert all(field.kw_only for field in fields(model))
    with pytest.raises(FrozenInstanceError):
        model.__setattr__(object.__new__(model), fields(model)[0].name, None)


def test_a_class_that_is_no_dataclass_itself_is_refused_for_its_fields_would_be_those_of_its_base() -> None:
    class Recalled(TicketCalled):
        by: str

    with pytest.raises(TypeError, match="no dataclass"):
        registry.event("lobby.testing.recalled.v1")(Recalled)


@pytest.mark.parametrize("data", STORED, ids=lambda data: type(data).__name__)
def test_what_is_built_is_checked_as_what_is_read(data: EventData) -> None:
    assert validated(type(data), data) == data == validated(type(data), as_json(data))


def called() -> TicketCalled:
    return next(data for data in STORED if isinstance(data, TicketCalled))


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("waited_s", -1.0),
        ("counter", ""),
        ("channel", "the back door"),
        ("overtaken", (Overtaken(ticket_id="t1", number="A001", times=0),)),
    ],
)
def test_what_a_reader_would_refuse_is_refused_before_it_is_stored(field: str, wrong: object) -> None:
    with pytest.raises(ValidationError) as caught:
        validated(TicketCalled, replace(called(), **{field: wrong}))
    assert caught.value.errors()[0]["loc"][0] == field


def test_a_number_without_a_fraction_is_written_as_what_the_field_is() -> None:
    assert b'"waited_s":5.0' in as_json_bytes(replace(called(), waited_s=5))


def test_fields_of_tomorrow_are_ignored() -> None:
    assert validated(CounterClosed, {"counter": "1", "by": "somebody"}) == CounterClosed(counter="1")


def test_a_ticket_is_asked_for_by_http_with_the_same_fields_as_by_event() -> None:
    asked, said = get_type_hints(TakeTicket, include_extras=True), get_type_hints(TicketRequest, include_extras=True)
    defaults = {field.name: field.default for field in fields(TicketRequest)}
    for name in defaults:
        assert asked[name] == said[name]
        body = TakeTicket.model_fields[name]
        assert body.is_required() if name == "business" else body.default == defaults[name]
