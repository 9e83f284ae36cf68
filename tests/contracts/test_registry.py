"""What the registry refuses and why; versions and upcasters."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from shared.contracts import registry
from shared.contracts.catalog import registry as complete
from shared.contracts.envelope import MAX_EVENT_BYTES, EventData, Undecodable
from tests.contracts.test_fixtures import FIXTURES

EVENT: dict[str, Any] = json.loads(next(path for path in FIXTURES if "ticket_called" in path.name).read_text("utf-8"))


@pytest.fixture
def bell() -> Iterator[type[EventData]]:
    """A type that exists in this test only, in two versions."""

    @dataclass(frozen=True, kw_only=True)
    class RungOnce(EventData):
        loudness: str

    @dataclass(frozen=True, kw_only=True)
    class Rung(EventData):
        loudness_db: float
        by: str = "nobody"

    registry.event("lobby.testing.bell_rung.v1")(RungOnce)
    registry.event("lobby.testing.bell_rung.v2")(Rung)
    registry.upcaster("lobby.testing.bell_rung.v1")(
        lambda data: {"loudness_db": {"soft": 40.0, "loud": 90.0}[data["loudness"]]}
    )
    yield Rung
    del registry._models["lobby.testing.bell_rung"]
    del registry._upcasters["lobby.testing.bell_rung", 1]
    del registry._types[RungOnce], registry._types[Rung]


def refusal(document: dict[str, Any] | bytes) -> Undecodable:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    with pytest.raises(Undecodable) as caught:
        registry.decode(body)
    return caught.value


def test_an_old_version_is_lifted_to_the_newest(bell: type[EventData]) -> None:
    event = registry.from_document({**EVENT, "type": "lobby.testing.bell_rung.v1", "data": {"loudness": "loud"}})
    assert event.type == "lobby.testing.bell_rung.v2"
    assert event.data == bell(loudness_db=90.0)


def test_the_newest_version_is_taken_as_it_is(bell: type[EventData]) -> None:
    data = {"loudness_db": 3.0, "by": "m-04", "a field of tomorrow": 1}
    event = registry.from_document({**EVENT, "type": "lobby.testing.bell_rung.v2", "data": data})
    assert event.data == bell(loudness_db=3.0, by="m-04")


@pytest.mark.usefixtures("bell")
def test_a_version_of_the_future_is_refused_as_such() -> None:
    error = refusal({**EVENT, "type": "lobby.testing.bell_rung.v3", "data": {}})
    assert (error.code, error.field) == ("unknown_version", "type")
    assert "the newest is 2" in error.reason


def test_a_type_cannot_be_registered_twice(bell: type[EventData]) -> None:
    with pytest.raises(ValueError, match="twice"):
        registry.event("lobby.testing.bell_rung.v2")(bell)


def test_a_type_of_somebody_else_is_unknown() -> None:
    assert refusal({**EVENT, "type": "lobby.triage.ticket_eaten.v1"}).code == "unknown_type"
    assert refusal({**EVENT, "type": "com.example.order"}).code == "unknown_type"


def test_a_wrong_field_of_the_data_is_named() -> None:
    error = refusal({**EVENT, "data": {**EVENT["data"], "number": 17}})
    assert (error.code, error.field) == ("invalid_data", "data.number")


def test_a_missing_attribute_is_named() -> None:
    error = refusal({name: value for name, value in EVENT.items() if name != "branchid"})
    assert (error.code, error.field) == ("malformed", "branchid")


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{", b"[]", b"null", b'"text"', b"{}", b'{"type": 5}'])
def test_what_is_no_event_at_all_is_malformed(body: bytes) -> None:
    assert refusal(body).code == "malformed"


def test_what_is_too_large_is_not_even_parsed() -> None:
    assert refusal(b"x" * (MAX_EVENT_BYTES + 1)).code == "too_large"


def test_a_type_is_named_after_its_model() -> None:
    for type_, model in complete.all_types().items():
        assert registry.type_of(model) == type_
        assert type_.split(".")[2].replace("_", "") == model.__name__.lower()
