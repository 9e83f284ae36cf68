"""The JSON Schema of a policy file, for editors: completion, and the meaning of a field where it is written."""

from typing import Any

from pydantic import ConfigDict, TypeAdapter

from shared.contracts.base import BRANCH_PATTERN
from shared.policy_files.policy_set import BRANCHES

Json = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def definitions_of(record: type) -> dict[str, Json]:
    """Return the schema of a record and of all that it is made of, by name. A text below a field is its description."""
    config = ConfigDict(use_attribute_docstrings=True, extra="forbid")
    adapter: TypeAdapter[Any] = TypeAdapter(list[record], config=config)  # type: ignore[valid-type] # is data here
    described: dict[str, Json] = adapter.json_schema()["$defs"]
    return described


def schema(record: type) -> Json:
    """Return the schema of a file. It may say a part of each record: the rest is as the default says."""
    definitions = definitions_of(record)
    for definition in definitions.values():
        definition.pop("required", None)
        for field in definition["properties"].values():
            entries = field.get("additionalProperties")
            if isinstance(entries, dict):  # null takes an entry away
                field["additionalProperties"] = {"anyOf": [entries, {"type": "null"}]}
    branches = {
        "type": "object",
        "description": "What single branches do differently, by branch id.",
        "propertyNames": {"pattern": BRANCH_PATTERN},
        "additionalProperties": {"$ref": f"#/$defs/{record.__name__}"},
    }
    root: Json = {
        "$schema": DIALECT,
        "title": f"Lobby {record.__name__.lower()}",
        "type": "object",
        "additionalProperties": False,
    }
    root["properties"] = {**definitions[record.__name__]["properties"], BRANCHES: branches}
    return {**root, "$defs": definitions}
