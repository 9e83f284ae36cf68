"""The AsyncAPI 3.0 document of everything that goes through the broker, generated from the contracts."""

import re
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from shared.bus import topology
from shared.contracts.base import BRANCH_PATTERN
from shared.contracts.catalog import registry
from shared.contracts.cloudevents import TerminalEvent
from shared.contracts.envelope import STRUCTURED, Event, EventData
from shared.contracts.schemas import attributes_of, components

Json = dict[str, Any]

DESCRIPTION = """\
What a bank branch's lobby says and hears. Events are CloudEvents 1.0; the services publish in structured mode and take
structured and binary mode (`ce-` headers) from terminals. `type` is `lobby.<service>.<past_tense>.v<N>` and never
changes its meaning. The HTTP calls are in `/openapi.json`.
"""

_PARAMETERS: dict[str, Json] = {
    "pp": {"description": "The log's partition, two digits; ignore it: bind with `*`."},
    "branchid": {"description": f"The branch, {BRANCH_PATTERN}."},
    "type": {"description": "The event's type, whose dots are words of the routing key: bind with `#`."},
    "replay_id": {"description": "The replay."},
}

_DEAD_LETTER_HEADERS: dict[str, Json] = {
    "lobby-id": {"type": "string", "description": "What /v1/dead-letters knows it by."},
    "lobby-service": {"type": "string", "description": "The service that could not handle it."},
    "lobby-queue": {"type": "string"},
    "lobby-code": {"type": "string", "description": "Stable; what programs tell reasons apart by."},
    "lobby-reason": {"type": "string"},
    "lobby-attempts": {"type": "integer", "minimum": 0},
    "lobby-state": {"type": "string", "description": "parked, resolved or discarded; it is published again with each."},
    "lobby-branch": {"type": "string"},
    "lobby-type": {"type": "string"},
    "lobby-subject": {"type": "string"},
    "lobby-event-id": {"type": "string"},
    "lobby-at": {"type": "string", "format": "date-time"},
    "lobby-headers": {"type": "string", "description": "The message's own headers, as JSON."},
}


def document(system: topology.Topology) -> Json:
    """Return the document as a JSON object. Callers must not change it."""
    said = _group(registry.all_types(), terminal=True)
    published = registry.all_types()
    channels = {
        "terminals": _channel(topology.TERMINALS, "{branchid}.{type}", "What terminals say.", said, prefix="said."),
        "events": _channel(topology.EVENTS, "{pp}.{branchid}.{type}", "What has happened.", published),
        "replay": _channel(
            topology.REPLAY, "{replay_id}.{branchid}.{type}", "What had happened, played again.", published
        ),
        "deadLetters": _dead_letters(),
    }
    return {
        "asyncapi": "3.0.0",
        "id": "urn:lobby",
        "info": {
            "title": "Lobby",
            "version": version("lobby"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": STRUCTURED,
        "servers": {
            "broker": {
                "host": "{host}",
                "protocol": "amqp",
                "protocolVersion": "0-9-1",
                "description": "RabbitMQ 3.10 or newer.",
                "variables": {"host": {"default": "localhost:5672", "description": "As LOBBY_AMQP_URL says."}},
                "security": [{"$ref": "#/components/securitySchemes/user"}],
            }
        },
        "channels": channels,
        "operations": _operations(system, said, published),
        "components": _components(said, published),
    }


def _group(types: Iterable[str], *, terminal: bool) -> list[str]:
    return [type_ for type_ in types if type_.startswith("lobby.terminal.") is terminal]


def _channel(exchange: str, address: str, summary: str, types: Iterable[str], *, prefix: str = "") -> Json:
    return {
        "address": address,
        "title": exchange,
        "summary": summary,
        "servers": [{"$ref": "#/servers/broker"}],
        "parameters": {name: _PARAMETERS[name] for name in re.findall(r"{(\w+)}", address)},
        "messages": {type_: {"$ref": f"#/components/messages/{prefix}{type_}"} for type_ in types},
        "bindings": _exchange(exchange),
    }


def _dead_letters() -> Json:
    return {
        "address": topology.DEAD_LETTERS,
        "title": topology.DEAD_LETTERS,
        "summary": "What could not be handled, as it came, with the reason in its headers.",
        "servers": [{"$ref": "#/servers/broker"}],
        "messages": {"deadLetter": {"$ref": "#/components/messages/deadLetter"}},
        "bindings": _exchange(topology.DEAD_LETTERS),
    }


def _exchange(name: str) -> Json:
    exchange = {"name": name, "type": topology.EXCHANGES[name], "durable": True, "autoDelete": False, "vhost": "/"}
    return {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": "0.3.0"}}


def _operations(system: topology.Topology, said: list[str], published: Iterable[str]) -> Json:
    operations: Json = {
        "gatewayReceivesTerminals": _operation("gateway", "receive", "terminals", said),
        "gatewayReceivesDeadLetters": _operation("gateway", "receive", "deadLetters", ["deadLetter"]),
    }
    for service, patterns in system.subscriptions.items():
        own = [type_ for type_ in published if _publisher(type_) == service]
        read = [type_ for type_ in published if any(_matches(pattern, type_) for pattern in patterns)]
        operations[f"{service}SendsDeadLetters"] = _operation(service, "send", "deadLetters", ["deadLetter"])
        if own:
            operations[f"{service}SendsEvents"] = _operation(service, "send", "events", own)
        if read:
            operations[f"{service}ReceivesEvents"] = _operation(service, "receive", "events", read)
    return operations


def _publisher(type_: str) -> str:
    service = type_.split(".")[1]
    return "gateway" if service == "terminal" else service  # its ingest stores and publishes what terminals say


def _matches(pattern: str, type_: str) -> bool:
    expression = re.escape(pattern).replace(r"\*", "[^.]+").replace(r"\#", ".*")
    return re.fullmatch(expression, type_) is not None


def _operation(service: str, action: str, channel: str, messages: Iterable[str]) -> Json:
    operation: Json = {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "title": f"{service}: {channel}",
        "tags": [{"name": service}],
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"} for message in messages],
    }
    if action == "send":
        operation["bindings"] = {"amqp": {"deliveryMode": 2, "mandatory": True, "bindingVersion": "0.3.0"}}
    else:
        operation["bindings"] = {"amqp": {"ack": True, "bindingVersion": "0.3.0"}}
    return operation


def _components(said: list[str], published: Iterable[str]) -> Json:
    models = registry.all_types()
    taken, taken_schemas = components([models[type_] for type_ in said], sent=False)
    sent, sent_schemas = components(models.values(), sent=True)
    renamed = {name: f"{name}.taken" for name in taken_schemas}
    schemas = sent_schemas | {renamed[name]: _renamed(schema, renamed) for name, schema in taken_schemas.items()}
    messages = {type_: _message(type_, "CloudEvent", models[type_], sent[models[type_]]) for type_ in published}
    messages |= {
        f"said.{type_}": _message(type_, "TerminalEvent", models[type_], _renamed(taken[models[type_]], renamed))
        for type_ in said
    }
    return {
        "schemas": schemas
        | {
            "CloudEvent": attributes_of(Event, without={"data"}),
            "TerminalEvent": attributes_of(TerminalEvent, without={"data"}),
        },
        "messages": messages | {"deadLetter": _dead_letter()},
        "securitySchemes": {
            "user": {"type": "userPassword", "description": "A broker user with the permissions of its service."}
        },
    }


def _renamed(schema: Any, names: dict[str, str]) -> Any:
    """Return the schema with its references led to the schemas' new names."""
    if isinstance(schema, dict):
        return {key: _renamed(value, names) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_renamed(item, names) for item in schema]
    if isinstance(schema, str) and schema.startswith("#/components/schemas/"):
        name = schema.rpartition("/")[2]
        return f"#/components/schemas/{names.get(name, name)}"
    return schema


def _message(type_: str, envelope: str, model: type[EventData], data: Json) -> Json:
    summary = (model.__doc__ or "").strip().splitlines()[0]
    return {
        "name": type_,
        "title": type_,
        "summary": summary,
        "contentType": STRUCTURED,
        "tags": [{"name": type_.split(".")[1]}],
        "payload": {
            "allOf": [
                {"$ref": f"#/components/schemas/{envelope}"},
                {"type": "object", "properties": {"type": {"const": type_}, "data": data}},
            ]
        },
    }


def _dead_letter() -> Json:
    return {
        "name": "deadLetter",
        "title": "A dead letter",
        "summary": "The message, byte for byte; the queue it failed in, the reason and the attempts in its headers.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": _DEAD_LETTER_HEADERS},
        "payload": {"description": "Whatever it was: mostly a CloudEvent, but not always JSON."},
    }
