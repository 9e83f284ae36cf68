"""The parts of the OpenAPI document that are the same whatever the operations are."""

from typing import Any

from shared.contracts.base import BRANCH_PATTERN, YEARS_PATTERN

Json = dict[str, Any]

DESCRIPTION = (
    "Every POST takes an `Idempotency-Key`: sent again, it gets the first answer. Errors are problem documents "
    "(RFC 9457); what to tell them apart by is `code`. The events are in /asyncapi.json. "
    "Every process also answers /healthz, /readyz and /metrics."
)

PARAMETERS: dict[str, tuple[Json, str]] = {
    "b": ({"type": "string", "pattern": BRANCH_PATTERN}, "The branch."),
    "c": ({"type": "string", "minLength": 1, "maxLength": 64}, "The counter."),
    "d": ({"type": "string", "minLength": 1, "maxLength": 64}, "The device."),
    "t": ({"type": "string", "minLength": 1, "maxLength": 64}, "The terminal."),
    "id": ({"type": "string", "minLength": 1, "maxLength": 128}, "An id, opaque."),
    "date": ({"type": "string", "format": "date", "pattern": YEARS_PATTERN}, "The business date."),
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
