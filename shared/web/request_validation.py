"""Takes a request in: path, query, headers and body, each within its limits, or an error that names the field."""

import re
from collections.abc import Mapping
from typing import Any, Final

from eventlet import Timeout
from pydantic import BaseModel, ValidationError
from werkzeug.wrappers import Request

from shared.contracts.base import NO_NUL, field_with_nul
from shared.contracts.http.operation import PARAMETER_TYPES, Operation
from shared.errors import InvalidInput, TooLarge
from shared.web.problem_details import BadRequest, RequestTimeout, UnsupportedMediaType

JSON = "application/json"
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


def check_parameters(parameters: Mapping[str, str]) -> None:
    """Raise :class:`InvalidInput` that names the first part of the path that can't be right."""
    for name, value in parameters.items():
        try:
            PARAMETER_TYPES[name].validate_python(value)
        except ValidationError as error:
            raise invalid(name, error.errors(include_url=False, include_input=False)[0]["msg"]) from error


def read_query(operation: Operation, request: Request) -> BaseModel | None:
    """Validate the query string; a name that is given twice is a list."""
    if operation.query is None:
        return None
    given = {name: values if len(values) > 1 else values[0] for name, values in request.args.lists()}
    for name, values in request.args.lists():
        if any("\0" in value for value in values):
            raise invalid(name, NO_NUL)
    return _validated(operation.query, given, "query")


def read_key(request: Request) -> str | None:
    """Return the Idempotency-Key: at most 255 printable ASCII characters."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise invalid("Idempotency-Key", "1 to 255 printable ASCII characters")
    return key


def read_bytes(request: Request, limit: int, within_s: float) -> bytes:
    """Read the body, at most ``limit`` bytes of it, however it is sent.

    Raises :class:`TooLarge` at once, and :class:`RequestTimeout` after ``within_s``, however steadily it dribbles.
    """
    if (request.content_length or 0) > limit:
        raise TooLarge(f"{request.content_length} bytes; the limit is {limit}", limit_bytes=limit)
    stream = request.environ["wsgi.input"]
    parts, size = [], 0
    try:
        with Timeout(within_s, TimeoutError):
            while part := stream.read(min(65536, limit + 1 - size)):
                parts.append(part)
                size += len(part)
                if size > limit:
                    raise TooLarge(f"more than the limit of {limit} bytes", limit_bytes=limit)
    except TimeoutError as error:
        raise RequestTimeout("the body did not arrive in time") from error
    except (OSError, ValueError) as error:
        raise BadRequest("the body could not be read") from error
    if size < (request.content_length or 0):
        raise BadRequest("the body is shorter than Content-Length says")
    return b"".join(parts)


def check_content_type(operation: Operation, request: Request) -> None:
    """Raise :class:`UnsupportedMediaType` unless the call takes this kind of body."""
    accepted = consumes(operation)
    if request.mimetype not in accepted:
        raise UnsupportedMediaType(
            f"{request.mimetype or 'no content type'}: this call takes {', '.join(accepted)}", accepted=accepted
        )


def consumes(operation: Operation) -> tuple[str, ...]:
    """Return the content types of the body that an operation takes."""
    if operation.method == "GET":
        return ()
    return (operation.media_type, *operation.other_media_types)


def takes_body(operation: Operation) -> bool:
    """Say whether an operation reads its body: a model's, or the events of a terminal."""
    return operation.method != "GET" and (operation.request is not None or operation.media_type != JSON)


def parse_body(operation: Operation, raw: bytes) -> BaseModel | None:
    """Validate the body; an empty one is fine where every field has a default."""
    if operation.request is None:
        return None
    if (field := field_with_nul(raw)) is not None:
        raise invalid(field or "body", NO_NUL)
    try:
        return operation.request.model_validate_json(operation.request.completed(raw or b"{}"), strict=True)
    except ValidationError as error:
        raise InvalidInput("the body is not valid", errors=complaints(error, "body")) from error


def _validated(model: type[BaseModel], given: Mapping[str, Any], whole: str) -> BaseModel:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise InvalidInput(f"the {whole} is not valid", errors=complaints(error, whole)) from error


_SENTENCES: Final = {"unexpected_keyword_argument": "Extra inputs are not permitted"}
"""A field too many has one sentence, whether a model or a dataclass is asked for."""


def complaints(error: ValidationError, whole: str) -> list[dict[str, str]]:
    """List what is wrong, a field and a sentence each; ``whole`` stands for the input as such."""
    return [
        {
            "field": ".".join(map(str, problem["loc"])) or whole,
            "message": _SENTENCES.get(problem["type"], problem["msg"]),
        }
        for problem in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def invalid(field: str, message: str) -> InvalidInput:
    """Return the error of a single field."""
    return InvalidInput(f"{field}: {message}", errors=[{"field": field, "message": message}])
