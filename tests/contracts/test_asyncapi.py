"""/asyncapi.json is valid AsyncAPI 3.0, its references lead somewhere, and it tells the truth."""

import copy
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from services.ops.service_classes import topology_of
from shared.bus import asyncapi, topology
from shared.contracts.catalog import registry
from tests.contracts.test_fixtures import FIXTURES

Json = dict[str, Any]


@cache
def document() -> Json:
    return asyncapi.document(topology_of(4))


@pytest.fixture(scope="session")
def validator(asyncapi_schema: Json) -> Draft7Validator:
    Draft7Validator.check_schema(asyncapi_schema)
    return Draft7Validator(asyncapi_schema)


def resolve(reference: str) -> Any:
    found: Any = document()
    for step in reference.removeprefix("#/").split("/"):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def payload_validator(message: Json) -> Draft7Validator:
    root = {"components": document()["components"], **message["payload"]}
    return Draft7Validator(root, registry=Registry().with_resource("", DRAFT7.create_resource(root)))


def test_it_is_valid_by_the_official_schema(validator: Draft7Validator) -> None:
    errors = [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
        for error in validator.iter_errors(document())
    ]
    assert errors == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("asyncapi",), "2.6.0"),
        (("channels", "events", "messages"), "none"),
        (("operations", "triageSendsEvents", "action"), "publish"),
        (("channels", "events", "bindings", "amqp", "is"), "exchange"),
    ],
)
def test_the_official_schema_would_notice_a_mistake(
    validator: Draft7Validator, path: tuple[str, ...], value: str
) -> None:
    wrong = copy.deepcopy(document())
    node = wrong
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    assert not validator.is_valid(wrong)


def test_every_reference_leads_somewhere() -> None:
    found = set(references(document()))
    assert len(found) > 100
    for reference in found:
        resolve(reference)


def test_every_registered_type_is_a_message_of_the_events_channel() -> None:
    assert set(document()["channels"]["events"]["messages"]) == set(registry.all_types())


def test_terminals_may_say_the_terminal_types_and_nothing_else() -> None:
    said = set(document()["channels"]["terminals"]["messages"])
    assert said == {type_ for type_ in registry.all_types() if type_.startswith("lobby.terminal.")}


def test_channels_are_the_exchanges_that_the_services_declare() -> None:
    bound = {channel["bindings"]["amqp"]["exchange"]["name"]: channel["bindings"]["amqp"]["exchange"]["type"]
             for channel in document()["channels"].values()}  # fmt: skip
    assert bound == {name: topology.EXCHANGES[name] for name in bound}
    assert {topology.TERMINALS, topology.EVENTS, topology.REPLAY, topology.DEAD_LETTERS} == set(bound)


def test_an_operation_s_messages_belong_to_its_channel() -> None:
    for name, operation in document()["operations"].items():
        channel = operation["channel"]["$ref"]
        assert operation["messages"], name
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"]), name


def test_a_service_receives_what_it_subscribes_to() -> None:
    received = {
        message["$ref"].rpartition("/")[2] for message in document()["operations"]["vipReceivesEvents"]["messages"]
    }
    assert "lobby.triage.ticket_issued.v1" in received
    assert "lobby.incidents.dispute_opened.v1" not in received
    assert "incidentsReceivesEvents" not in document()["operations"]


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
def test_a_message_s_payload_schema_takes_a_real_event_and_refuses_a_broken_one(fixture: Path) -> None:
    event = json.loads(fixture.read_text("utf-8"))
    validator = payload_validator(document()["components"]["messages"][event["type"]])
    assert [error.message for error in validator.iter_errors(event)] == []
    first = next(iter(event["data"]))
    assert not validator.is_valid({**event, "data": {**event["data"], first: {"not": ["this"]}}})
    assert not validator.is_valid({**event, "sequence": 3}), "sequence is text on the wire"


def test_a_terminal_needs_no_sequence_and_no_defaults() -> None:
    validator = payload_validator(document()["components"]["messages"]["said.lobby.terminal.ticket_requested.v1"])
    event = {
        "specversion": "1.0", "id": "1", "source": "/terminals/t1", "type": "lobby.terminal.ticket_requested.v1",
        "branchid": "hq", "data": {"business": "cash_withdrawal"},
    }  # fmt: skip
    assert [error.message for error in validator.iter_errors(event)] == []
    assert not validator.is_valid({name: value for name, value in event.items() if name != "branchid"})
