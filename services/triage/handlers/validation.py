"""Names that come in an address: of a counter, a device, a terminal."""

from pydantic import TypeAdapter, ValidationError

from shared.contracts.base import Name
from shared.errors import InvalidInput

_NAME: TypeAdapter[str] = TypeAdapter(Name)


def require_name(parameter: str, value: str) -> None:
    """Raise InvalidInput where a part of the address can't be a name that events carry."""
    try:
        _NAME.validate_python(value)
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"]
        raise InvalidInput(f"{parameter}: {message}", errors=[{"field": parameter, "message": message}]) from error
