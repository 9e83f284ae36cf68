"""The official CloudEvents SDK reads what we write, and we read what it writes."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings import http, rabbitmq
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import registry
from shared.contracts.catalog import terminal
from shared.contracts.cloudevents import MAX_BATCH, from_amqp, from_http, terminal_event
from shared.contracts.envelope import BATCHED, MAX_EVENT_BYTES, STRUCTURED, Undecodable
from tests.contracts.test_fixtures import FIXTURES

REQUEST: dict[str, Any] = {
    "specversion": "1.0", "id": "e-1", "source": "/terminals/t1", "type": "lobby.terminal.ticket_requested.v1",
    "time": "2026-11-24T09:30:15+08:00", "branchid": "hq-001",
}  # fmt: skip
DATA = {"business": "cash_withdrawal", "amount_minor": 300_000}
OFFLINE = {**REQUEST, "type": "lobby.terminal.ticket_issued_offline.v1"}
NUMBER = {"business": "cash_withdrawal", "number": "A001"}


def sdk_event(**attributes: Any) -> CloudEvent:
    event = JSONFormat().read(CloudEvent, json.dumps({**REQUEST, **attributes, "data": DATA}).encode())
    assert isinstance(event, CloudEvent)
    return event


def structured(document: Any) -> bytes:
    return json.dumps(document).encode()


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
def test_the_sdk_reads_every_event_that_we_publish(fixture: Path) -> None:
    ours = registry.decode(fixture.read_bytes())
    message = rabbitmq.RabbitMQMessage({}, STRUCTURED, ours.to_json())
    read = rabbitmq.from_structured_event(message)
    assert read.get_id() == ours.id
    assert read.get_type() == ours.type
    assert read.get_subject() == ours.subject
    assert read.get_time() == ours.time
    assert read.get_extension("sequence") == str(ours.sequence)
    assert read.get_extension("branchid") == ours.branchid
    assert read.get_data() == json.loads(fixture.read_bytes())["data"]


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
@pytest.mark.parametrize("write", [rabbitmq.to_structured_event, rabbitmq.to_binary_event])
def test_we_read_every_event_that_the_sdk_writes_by_amqp(fixture: Path, write: Any) -> None:
    ours = registry.decode(fixture.read_bytes())
    message = write(JSONFormat().read(CloudEvent, ours.to_json()))
    read = registry.from_document(from_amqp(message.headers, message.content_type, message.body))
    assert read.attributes() == ours.attributes()


@pytest.mark.parametrize("write", [http.to_structured_event, http.to_binary_event])
def test_we_read_what_the_sdk_writes_by_http(write: Any) -> None:
    message = write(sdk_event())
    (document,) = from_http(message.headers, message.body)
    event = terminal_event(document)
    assert event.id == "e-1"
    assert event.branchid == "hq-001"
    assert event.time is not None
    assert event.time.isoformat() == "2026-11-24T09:30:15+08:00"
    assert event.data == terminal.TicketRequested(business="cash_withdrawal", amount_minor=300_000)


def test_fields_that_a_newer_terminal_knows_are_ignored() -> None:
    data = {**DATA, "gate": 3, "customer": {"age": 80, "glasses": True}}
    event = terminal_event({**REQUEST, "data": data})
    assert event.data == terminal.TicketRequested(**DATA, customer=terminal.Customer(age=80))


def test_binary_headers_are_percent_decoded_over_http() -> None:
    message = http.to_binary_event(sdk_event(source="/terminals/取号机"))
    (document,) = from_http(message.headers, message.body)
    assert terminal_event(document).source == "/terminals/取号机"


def test_a_batch_is_read_in_its_order() -> None:
    body = structured([{**REQUEST, "id": str(n), "data": DATA} for n in range(3)])
    documents = from_http({"Content-Type": f"{BATCHED}; charset=utf-8"}, body)
    assert [terminal_event(document).id for document in documents] == ["0", "1", "2"]
    assert from_http({"Content-Type": BATCHED}, b"[]") == []


def test_plain_json_is_taken_as_the_structured_mode() -> None:
    (document,) = from_http({"content-type": "application/json"}, structured({**REQUEST, "data": DATA}))
    assert terminal_event(document).id == "e-1"


def test_the_content_type_decides_the_mode_whatever_headers_there_are() -> None:
    body = structured({**REQUEST, "data": DATA})
    (document,) = from_http({"content-type": STRUCTURED, "ce-id": "another"}, body)
    assert document["id"] == "e-1"


def test_a_time_that_is_absent_is_not_invented() -> None:
    untimed = {name: value for name, value in REQUEST.items() if name != "time"}
    assert terminal_event(from_amqp({}, STRUCTURED, structured({**untimed, "data": DATA}))).time is None


def test_headers_of_other_amqp_types_are_read_and_foreign_ones_ignored() -> None:
    headers = {f"ce-{name}": value for name, value in REQUEST.items()} | {
        "ce-priority": 3, "x-death": [{"count": 1}], "nameko.call_id_stack": 5,
    }  # fmt: skip
    document = from_amqp(headers, "application/json", structured(DATA))
    assert document["priority"] == "3"
    assert terminal_event(document).id == "e-1"


@pytest.mark.parametrize("content_type", [None, "", "application/data", "application/octet-stream"])
def test_a_content_type_that_nobody_gave_means_json(content_type: str | None) -> None:
    headers = {f"ce-{name}": value for name, value in REQUEST.items()}
    assert terminal_event(from_amqp(headers, content_type, structured(DATA))).id == "e-1"


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in {**REQUEST, "data": DATA}.items() if key != name}


@pytest.mark.parametrize(
    ("document", "code", "field"),
    [
        (without("id"), "malformed", "id"),
        (without("specversion"), "malformed", "specversion"),
        (without("source"), "malformed", "source"),
        (without("type"), "malformed", "type"),
        (without("branchid"), "malformed", "branchid"),
        (without("data"), "invalid_data", "data"),
        ({**REQUEST, "specversion": "0.3", "data": DATA}, "malformed", "specversion"),
        ({**REQUEST, "branchid": "HQ 001", "data": DATA}, "malformed", "branchid"),
        ({**REQUEST, "time": "yesterday", "data": DATA}, "malformed", "time"),
        ({**REQUEST, "time": "2026-11-24T09:30:15", "data": DATA}, "malformed", "time"),
        ({**REQUEST, "time": 5, "data": DATA}, "malformed", "time"),
        ({**REQUEST, "time": "0001-01-01T00:00:00+23:00", "data": DATA}, "malformed", "time"),
        ({**REQUEST, "time": "9999-12-31T23:59:59-23:00", "data": DATA}, "malformed", "time"),
        ({**REQUEST, "datacontenttype": "text/xml", "data": DATA}, "malformed", "datacontenttype"),
        ({**REQUEST, "type": "lobby.triage.ticket_issued.v1", "data": DATA}, "unknown_type", "type"),
        ({**REQUEST, "type": "lobby.terminal.exploded.v1", "data": DATA}, "unknown_type", "type"),
        ({**REQUEST, "type": "lobby.terminal.ticket_requested.v9", "data": DATA}, "unknown_version", "type"),
        ({**REQUEST, "data": {"business": ""}}, "invalid_data", "data.business"),
        ({**REQUEST, "data": {**DATA, "customer": {"age": -1}}}, "invalid_data", "data.customer.age"),
        ({**OFFLINE, "data": {**NUMBER, "business_date": "9999-12-31"}}, "invalid_data", "data.business_date"),
        ({**REQUEST, "data": [1]}, "invalid_data", "data"),
        ({**REQUEST, "data_base64": "AP8="}, "invalid_data", "data"),
    ],
)
def test_a_terminal_s_mistake_is_named(document: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Undecodable) as by_amqp:
        terminal_event(from_amqp({}, STRUCTURED, structured(document)))
    assert (by_amqp.value.code, by_amqp.value.field) == (code, field)
    with pytest.raises(Undecodable) as by_http:
        terminal_event(from_http({"content-type": STRUCTURED}, structured(document))[0])
    assert (by_http.value.code, by_http.value.field) == (code, field)


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"ce-time": "yesterday"}, "time"),
        ({"ce-id": None}, "id"),
        ({"ce-id": ["a", "list"]}, "id"),
        ({"ce-time": b"\xff"}, "time"),
        ({"ce-Data": "reserved"}, "data"),
        ({"ce-not-allowed": "x"}, "not-allowed"),
    ],
)
def test_a_hostile_header_is_named(headers: dict[str, Any], field: str) -> None:
    good = {f"ce-{name}": value for name, value in REQUEST.items()}
    with pytest.raises(Undecodable) as caught:
        from_amqp(good | headers, "application/json", structured(DATA))
    assert (caught.value.code, caught.value.field) == ("malformed", field)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({**DATA, "terminal_id": "a\0b"}, "data.terminal_id"),
        ({**DATA, "businesses": ["mortgage", "\0"]}, "data.businesses.1"),
        ({**DATA, "customer": {"card_token": "\0"}}, "data.customer.card_token"),
        ({**DATA, "a\0b": 1}, None),
    ],
)
def test_a_field_with_a_nul_is_named(binary: bool, data: dict[str, Any], field: str | None) -> None:
    headers = {f"ce-{name}": value for name, value in REQUEST.items()} if binary else {}
    kind = "application/json" if binary else STRUCTURED
    body = structured(data if binary else {**REQUEST, "data": data})
    field = "data" if binary and field is None else field
    for read in (lambda: from_amqp(headers, kind, body), lambda: from_http({**headers, "content-type": kind}, body)):
        with pytest.raises(Undecodable, match="NUL") as caught:
            read()
        assert (caught.value.code, caught.value.field) == ("malformed", field)


def test_a_header_with_an_escaped_nul_is_named() -> None:
    headers = {f"ce-{name}": value for name, value in REQUEST.items()} | {"ce-source": "/terminals/a%00b"}
    with pytest.raises(Undecodable, match="NUL") as caught:
        from_http({**headers, "content-type": "application/json"}, structured(DATA))
    assert (caught.value.code, caught.value.field) == ("malformed", "source")


def test_binary_data_that_is_no_json_is_refused() -> None:
    good = {f"ce-{name}": value for name, value in REQUEST.items()}
    for body in (b"\xff\xfe\x00", b"{not json", b""):
        with pytest.raises(Undecodable) as caught:
            terminal_event(from_amqp(good, "application/json", body))
        assert (caught.value.code, caught.value.field) == ("invalid_data", "data")


def test_the_index_and_field_of_a_batch_s_broken_event_are_named() -> None:
    body = structured([{**REQUEST, "data": DATA}, {**REQUEST, "time": "yesterday", "data": DATA}])
    with pytest.raises(Undecodable) as caught:
        from_http({"content-type": BATCHED}, body)
    assert caught.value.field == "1.time"


@pytest.mark.parametrize("member", [None, 5, "text", [1], {}])
def test_a_batch_of_something_else_is_refused(member: Any) -> None:
    with pytest.raises(Undecodable) as caught:
        from_http({"content-type": BATCHED}, structured([member]))
    assert caught.value.code == "malformed"
    assert (caught.value.field or "").startswith("0")


def test_sizes_are_limited() -> None:
    large = structured({**REQUEST, "data": {**DATA, "padding": "x" * MAX_EVENT_BYTES}})
    for read in (
        lambda: from_amqp({}, STRUCTURED, large),
        lambda: from_http({"content-type": STRUCTURED}, large),
        lambda: from_http({"content-type": BATCHED}, b"[" + large + b"]"),
        lambda: from_http({"content-type": BATCHED}, structured([REQUEST] * (MAX_BATCH + 1))),
    ):
        with pytest.raises(Undecodable) as caught:
            read()
        assert caught.value.code == "too_large"


def test_json_that_is_nested_too_deeply_is_malformed() -> None:
    with pytest.raises(Undecodable) as caught:
        from_amqp({}, STRUCTURED, b'{"data":' + b"[" * 50_000 + b"]" * 50_000 + b"}")
    assert caught.value.code == "malformed"


def test_a_batch_over_amqp_is_refused() -> None:
    with pytest.raises(Undecodable, match="batched mode is for HTTP"):
        from_amqp({}, BATCHED, b"[]")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(
    headers=st.dictionaries(st.sampled_from([f"ce-{name}" for name in REQUEST]) | st.text(), VALUES, max_size=8),
    content_type=st.none() | st.sampled_from([STRUCTURED, BATCHED, "application/json", "text/plain"]) | st.text(),
    body=st.binary() | st.builds(lambda value: json.dumps(value, default=str).encode(), VALUES),
)
def test_whatever_a_message_holds_it_is_an_event_or_undecodable(
    headers: dict[str, Any], content_type: str | None, body: bytes
) -> None:
    with suppress(Undecodable):  # and nothing else
        terminal_event(from_amqp(headers, content_type, body))


@pytest.mark.parametrize(
    ("type_", "data", "field"),
    [
        ("ticket_requested", {**DATA, "again": 0}, "data.again"),
        ("ticket_requested", {**DATA, "amount_minor": "5"}, "data.amount_minor"),
        ("ticket_requested", {**DATA, "customer": {"urgent": "yes"}}, "data.customer.urgent"),
        ("ticket_left", {"number": "A001", "business_date": 0}, "data.business_date"),
        ("ticket_left", {"number": "A001", "business_date": "1764444444"}, "data.business_date"),
    ],
    ids=str,
)
def test_a_value_of_another_type_is_refused_by_its_field(type_: str, data: dict[str, Any], field: str) -> None:
    with pytest.raises(Undecodable) as caught:
        terminal_event({**REQUEST, "type": f"lobby.terminal.{type_}.v1", "data": data})
    assert (caught.value.code, caught.value.field) == ("invalid_data", field)
