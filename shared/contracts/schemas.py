"""JSON Schemas of what is published: the envelope, and each event type with its data."""

from collections.abc import Collection, Iterable
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from shared.contracts.catalog import registry
from shared.contracts.envelope import Event, EventData, adapter_of

Json = dict[str, Any]
References = dict[type[EventData], Json]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
SEQUENCE: Final[Json] = {
    "type": "string",
    "pattern": "^[1-9][0-9]*$",
    "description": "Counts the subject's events from 1 without a gap; an integer as text.",
}


def documents() -> dict[str, Json]:
    """Return a self-contained schema for each event type, old versions too, and one for the bare envelope."""
    return {"envelope": _document("envelope", envelope())} | {
        type_: _document(type_, event_schema(type_, model)) for type_, model in registry.all_types().items()
    }


def event_schema(type_: str, model: type[EventData]) -> Json:
    """Return the schema of a whole event of this type."""
    data = adapter_of(model).json_schema(mode="serialization")
    definitions = data.pop("$defs", {})
    schema = envelope()
    schema |= {"title": type_, "description": (model.__doc__ or "").strip()}
    schema["properties"] |= {"type": {"const": type_}, "data": data}
    return schema | ({"$defs": definitions} if definitions else {})


def envelope() -> Json:
    """Return the schema of the CloudEvents attributes that every event has (structured mode)."""
    return attributes_of(Event, without={"data"}) | {"additionalProperties": True}


def attributes_of(model: type[BaseModel], *, without: Iterable[str] = ()) -> Json:
    """Return a model's schema as it is on the wire: what is null is absent there, a sequence is text."""
    schema = model.model_json_schema(mode="validation")
    properties = {
        name: _present(property_) for name, property_ in schema["properties"].items() if name not in set(without)
    }
    if "sequence" in properties:
        properties["sequence"] = SEQUENCE
    required = [name for name in schema["required"] if name in properties]
    return {
        "title": "CloudEvent",
        "description": (model.__doc__ or "").strip(),
        "type": "object",
        "required": sorted({"specversion", *required, "data"}),
        "properties": {**properties, "data": {"type": "object"}},
    }


def components(models: Collection[type[EventData]], *, sent: bool) -> tuple[References, dict[str, Json]]:
    """Return a reference for each model, and the schemas that the references lead to (below ``#/components``).

    ``sent``: what we send has every field; what we take has those with a default as optional.
    """
    mode: JsonSchemaMode = "serialization" if sent else "validation"
    references, definitions = TypeAdapter.json_schemas(
        [(model, mode, adapter_of(model)) for model in models],  # type: ignore[type-var]  # a class is hashable
        ref_template="#/components/schemas/{model}",
    )
    return {model: references[model, mode] for model in models}, definitions.get("$defs", {})


def _present(property_: Json) -> Json:
    options = [option for option in property_.get("anyOf", ()) if option != {"type": "null"}]
    rest = {name: value for name, value in property_.items() if name not in {"anyOf", "default", "title"}}
    if len(options) == 1:
        return {**options[0], **rest}
    return {**rest, "anyOf": options} if options else rest


def _document(name: str, schema: Json) -> Json:
    return {"$schema": DIALECT, "$id": f"urn:lobby:schema:{name}", **schema}
