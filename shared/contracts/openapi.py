"""The OpenAPI 3.1 document of every call, generated from the operations and their pydantic models.

Whatever process serves it, it describes the whole system: terminals and dashboards see one origin.
"""

from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from shared.contracts.base import YEARS_PATTERN
from shared.contracts.envelope import BATCHED, STRUCTURED
from shared.contracts.http.catalog import OPERATIONS
from shared.contracts.http.operation import PARAMETER_TYPES, YAML, Operation

Json = dict[str, Any]

DESCRIPTION = (
    "Every POST takes an `Idempotency-Key`: sent again, it gets the first answer. Errors are problem documents "
    "(RFC 9457); what to tell them apart by is `code`. The events are in /asyncapi.json. "
    "Every process also answers /healthz, /readyz and /metrics."
)

PARAMETERS: dict[str, str] = {
    "b": "The branch.",
    "c": "The counter.",
    "d": "The device.",
    "t": "The terminal.",
    "id": "An id, opaque.",
    "date": "The business date.",
}

ERRORS: dict[int, str] = {
    400: "The request is not valid HTTP.",
    401: "No token, or one that is not valid.",
    403: "The token's role or branches do not cover this; `roles` says which roles do.",
    404: "There is no such thing.",
    409: "The current state does not allow this; `allowed` says what it does allow.",
    413: "The body is too large.",
    415: "The body has another content type than this call takes.",
    422: "The input is not valid; `errors` names each field with its reason.",
    429: "Too many requests or streams; Retry-After says when to come back.",
    500: "Our mistake; `error_id` finds it in the log.",
    503: "Temporarily unavailable; Retry-After says when to come back.",
}

PROBLEM_SCHEMA: Json = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string", "description": "Stable; what programs tell problems apart by."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}

CLOUD_EVENT: Json = {
    "type": "object",
    "description": "A CloudEvent 1.0 in structured mode; the types and their data are in /asyncapi.json.",
    "required": ["specversion", "id", "source", "type", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1, "maxLength": 128},
        "source": {"type": "string", "minLength": 1, "maxLength": 256},
        "type": {"type": "string"},
        "subject": {"type": "string"},
        "time": {"type": "string", "format": "date-time", "pattern": YEARS_PATTERN},
        "data": {"type": "object"},
    },
}

HEADERS: Json = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Printable ASCII. The same key with another request is refused: idempotency_key_reused.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    },
    "LastEventId": {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "The `id` of the last event seen: the stream goes on behind it, without a gap or a repeat.",
        "schema": {"type": "string", "pattern": "^[0-9]*$"},
    },
}

SECURITY: Json = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Claims: sub, roles, branches (`*` for all), iat, exp, iss and aud `lobby`.",
    },
    "page": {
        "type": "apiKey",
        "in": "cookie",
        "name": "lobby_token",
        "description": "A page's session: the same token. For GET only.",
    },
}


ModelKey = tuple[type[BaseModel], JsonSchemaMode]

EVENT_STREAM = "text/event-stream"
PROBLEM = "application/problem+json"


def document(operations: Sequence[Operation] = OPERATIONS) -> Json:
    """Return the document as JSON's own types."""
    refs, schemas = _schemas(operations)
    paths: Json = {}
    for operation in operations:
        item = paths.setdefault(operation.path, {})
        item[operation.method.lower()] = _operation(operation, refs, schemas)
    for operation in operations:
        if operation.query is not None:
            schemas.pop(_name(refs[operation.query, "validation"]), None)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lobby",
            "version": _version(),
            "summary": "A bank branch's lobby: triage, VIP hand-off, incidents, work log.",
            "description": DESCRIPTION,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(operation.service for operation in operations)],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": PROBLEM_SCHEMA, "CloudEvent": CLOUD_EVENT},
            "responses": {f"Problem{status}": _problem(text) for status, text in ERRORS.items()},
            "parameters": HEADERS,
            "securitySchemes": SECURITY,
        },
        "security": [{"bearer": []}],
    }


def _operation(operation: Operation, refs: dict[ModelKey, Json], schemas: Json) -> Json:
    roles = sorted(operation.roles)
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": _description(operation, roles),
        "tags": [operation.service],
        "x-roles": roles,
        "parameters": list(_parameters(operation, refs, schemas)),
        "responses": _responses(operation, refs),
    }
    if operation.codes:
        described["x-problem-codes"] = list(operation.codes)
    if operation.method == "GET":
        described["security"] = [{"bearer": []}, {"page": []}]
    body = _request_body(operation, refs)
    if body is not None:
        described["requestBody"] = body
    return described


def _description(operation: Operation, roles: Iterable[str]) -> str:
    codes = f" Its own problem codes: {', '.join(operation.codes)}." if operation.codes else ""
    return f"Roles: {', '.join(roles)}.{codes}"


def _parameters(operation: Operation, refs: dict[ModelKey, Json], schemas: Json) -> Iterator[Json]:
    for name in operation.parameters:
        schema, text = PARAMETER_TYPES[name].json_schema(), PARAMETERS[name]
        yield {"name": name, "in": "path", "required": True, "description": text, "schema": schema}
    if operation.query is not None:
        model = schemas[_name(refs[operation.query, "validation"])]
        for name, schema in model.get("properties", {}).items():
            yield _query_parameter(name, schema, required=name in model.get("required", ()))
    if operation.method == "POST":
        yield {"$ref": "#/components/parameters/IdempotencyKey"}
    if operation.media_type == EVENT_STREAM:
        yield {"$ref": "#/components/parameters/LastEventId"}


def _query_parameter(name: str, schema: Json, *, required: bool) -> Json:
    text = {"description": schema["description"]} if "description" in schema else {}
    return {"name": name, "in": "query", "required": required, **text, "schema": _without_null(schema)}


def _without_null(schema: Json) -> Json:
    """Leave out what a query string can't say: it has no null, only names that are not there."""
    bare = {key: value for key, value in schema.items() if key not in ("description", "title", "anyOf")}
    if bare.get("default", ...) is None:
        del bare["default"]
    others = [other for other in schema.get("anyOf", ()) if other != {"type": "null"}]
    if len(others) > 1:
        return {**bare, "anyOf": others}
    return {**bare, **others[0]} if others else bare


def _request_body(operation: Operation, refs: dict[ModelKey, Json]) -> Json | None:
    if operation.method == "GET":
        return None
    if operation.request is not None:
        needed = any(field.is_required() for field in operation.request.model_fields.values())
        schema = refs[operation.request, "validation"]
        return {"required": needed, "content": {"application/json": {"schema": schema}}}
    if operation.media_type == YAML:  # an object, whose fields the service itself describes
        types = (operation.media_type, *operation.other_media_types)
        return {"required": True, "content": {name: {"schema": {"type": "object"}} for name in types}}
    if operation.media_type == STRUCTURED:
        event = {"$ref": "#/components/schemas/CloudEvent"}
        schemas = {STRUCTURED: event, BATCHED: {"type": "array", "items": event}}
        types = (operation.media_type, *operation.other_media_types)
        # In binary mode the body is the event's data alone, its attributes are ce- headers.
        return {
            "required": True,
            "content": {name: {"schema": schemas.get(name, {"type": "object"})} for name in types},
        }
    return None


def _responses(operation: Operation, refs: dict[ModelKey, Json]) -> Json:
    responses: Json = {str(operation.status): _success(operation, refs)}
    if operation.empty or (operation.response is None and operation.media_type == "application/json"):
        responses["204"] = {"description": "Nothing to answer."}
    for status in _error_statuses(operation):
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    return responses


def _success(operation: Operation, refs: dict[ModelKey, Json]) -> Json:
    reads = operation.method == "GET"
    types = (operation.media_type, *operation.other_media_types) if reads else ("application/json",)
    json_schema = refs[operation.response, "serialization"] if operation.response else {"type": "object"}
    content = {name: {"schema": json_schema if name == "application/json" else {"type": "string"}} for name in types}
    answer: Json = {"description": operation.summary, "content": content}
    if operation.method == "POST":
        answer["headers"] = {
            "Idempotent-Replayed": {
                "description": "`true`: the stored answer to this Idempotency-Key.",
                "schema": {"const": "true"},
            }
        }
    return answer


def _error_statuses(operation: Operation) -> list[int]:
    statuses = {401, 403, 422, 429, 500, 503}
    if operation.parameters:
        statuses.add(404)
    if operation.method != "GET":
        statuses |= {400, 409, 413, 415}
    return sorted(statuses)


def _schemas(operations: Iterable[Operation]) -> tuple[dict[ModelKey, Json], Json]:
    keys: dict[ModelKey, None] = {}
    for operation in operations:
        for model, mode in _models(operation):
            keys[model, mode] = None
    refs, definitions = models_json_schema(list(keys), ref_template="#/components/schemas/{model}")
    return {key: dict(refs[key]) for key in keys}, dict(definitions.get("$defs", {}))


def _models(operation: Operation) -> Iterator[tuple[type[BaseModel], Literal["validation", "serialization"]]]:
    if operation.request is not None:
        yield operation.request, "validation"
    if operation.query is not None:
        yield operation.query, "validation"
    if operation.response is not None:
        yield operation.response, "serialization"


def _problem(text: str) -> Json:
    return {"description": text, "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def _name(ref: Json) -> str:
    return str(ref["$ref"]).rpartition("/")[2]


def _version() -> str:
    try:
        return version("lobby")
    except PackageNotFoundError:
        return "0"
