"""The JSON Schema of a policy file, for editors: completion, and the meaning of a field where it is written."""

from typing import Any

from services.triage.policy import Policy
from services.triage.policy_file.book import BRANCHES
from services.triage.policy_file.check import POLICY
from services.triage.policy_file.meaning import meanings, records_in
from shared.contracts.base import BRANCH_PATTERN

Json = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> Json:
    """Return the schema. A file may say a part of each record: the rest is as the default says."""
    described = POLICY.json_schema(mode="validation")
    definitions = described.pop("$defs")
    for record in records_in(Policy):
        _open(described if record is Policy else definitions[record.__name__], record)
    definitions["Policy"] = {**described, "title": "Policy", "description": "What a bank or a branch does its own way."}
    branches = {
        "type": "object",
        "description": "What single branches do differently, by branch id.",
        "propertyNames": {"pattern": BRANCH_PATTERN},
        "additionalProperties": {"$ref": "#/$defs/Policy"},
    }
    root: Json = {"$schema": DIALECT, "title": "Lobby policy", "type": "object", "additionalProperties": False}
    root["properties"] = {**described["properties"], BRANCHES: branches}
    return {**root, "$defs": definitions}


def _open(described: Json, record: type) -> None:
    """Make what a record needs optional, forbid what it doesn't know, and say what each field means."""
    described.pop("required", None)
    described["additionalProperties"] = False
    for name, text in meanings(record).items():
        described["properties"][name]["description"] = text
    for field in described["properties"].values():
        entries = field.get("additionalProperties")
        if isinstance(entries, dict):  # null takes an entry away
            field["additionalProperties"] = {"anyOf": [entries, {"type": "null"}]}
