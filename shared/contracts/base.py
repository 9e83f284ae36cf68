"""The types of the contracts' fields, units in the names, and the bases of HTTP bodies."""

import re
from datetime import date
from typing import Annotated, Any, Final, Literal, TypeVar

import orjson
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

BRANCH_PATTERN = r"^[a-z0-9][a-z0-9-]{0,31}$"
TERMINAL_SOURCE_PATTERN = r"^/terminals/[^\x00-\x20/\x7f]{1,64}$"
"""The source of what a terminal says: its id, without spaces, controls and slashes."""
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2199
YEARS: Final = f"the year is not between {FIRST_YEAR} and {LAST_YEAR}"
YEARS_PATTERN: Final = r"^(19[7-9]|2[01]\d)\d-"

BranchId = Annotated[str, StringConstraints(pattern=BRANCH_PATTERN)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[\w .:+/-]+$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True)]
Seconds = Annotated[float, Field(ge=0)]
Time = AwareDatetime
Role = Literal[
    "terminal", "teller", "lobby_manager", "customer_manager", "supervisor", "operations", "auditor", "display"
]

_Day = TypeVar("_Day", bound=date)


def in_years(day: date) -> bool:
    """Say whether a date or time is one that can be reckoned with, in every time zone and every database."""
    return FIRST_YEAR <= day.year <= LAST_YEAR


def _checked(day: _Day) -> _Day:
    if not in_years(day):
        raise ValueError(YEARS)
    return day


_YEARS = (AfterValidator(_checked), Field(json_schema_extra={"pattern": YEARS_PATTERN}))
GivenTime = Annotated[AwareDatetime, *_YEARS]
"""A time that a caller or a terminal says. What is read back is a ``Time``: nothing that was taken gets unreadable."""
GivenDate = Annotated[date, *_YEARS]
"""A date that a caller says."""

NO_NUL: Final = "text cannot contain NUL"
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def field_with_nul(raw: bytes) -> str | None:
    """Return which field of a JSON text has a NUL: PostgreSQL stores none, so nothing takes one in.

    ``""`` where none can be named: the NUL is in a name, or the text is no JSON. ``None`` where there is no NUL.
    """
    if b"\\u0000" not in raw or _NUL.search(raw) is None:
        return None
    try:
        left: list[tuple[str, Any]] = [("", orjson.loads(raw))]
    except orjson.JSONDecodeError:
        return ""
    while left:
        field, value = left.pop()
        if isinstance(value, str) and "\0" in value:
            return field
        if isinstance(value, dict | list):
            parts = value.items() if isinstance(value, dict) else enumerate(value)
            left += [(f"{field}.{name}".lstrip("."), part) for name, part in parts if "\0" not in str(name)]
    return ""


class Body(BaseModel):
    """The body of an HTTP request. An unknown field is an error: it is a typing mistake more often than not."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class View(BaseModel):
    """The body of an HTTP answer."""

    model_config = ConfigDict(frozen=True, extra="ignore")
