"""The types of the contracts' fields, units in the names, and the bases of HTTP bodies."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, TypeVar

import orjson
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

BRANCH_PATTERN = r"^[a-z0-9][a-z0-9-]{0,31}$"
TERMINAL_SOURCE_PATTERN = r"^/terminals/[^\x00-\x20/\x7f]{1,64}$"
"""The source of what a terminal says: its id, without spaces, controls and slashes."""
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2199
YEARS: Final = f"the year is not between {FIRST_YEAR} and {LAST_YEAR}"
YEARS_PATTERN: Final = r"^(19[7-9]|2[01][0-9])[0-9]-"
NAME_PATTERN: Final = r"^[0-9A-Za-z_.:+/\u3400-\u4dbf\u4e00-\u9fff-]+( [0-9A-Za-z_.:+/\u3400-\u4dbf\u4e00-\u9fff-]+)*$"
"""Letters, digits, Chinese characters and some signs, single spaces between them: what is one name is spelled one way.
Patterns say their classes in full: ``\\w`` and ``\\d`` are others in ECMAScript, by which the OpenAPI is read."""

BranchId = Annotated[str, StringConstraints(pattern=BRANCH_PATTERN)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NAME_PATTERN)]
PathId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""An id in an address: of whatever kind, so that one there is not is not found."""
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


_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _time_from_text(value: object) -> object:
    """Refuse what pydantic would take for seconds since 1970: a number, and a text that is one."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError("a time is a text such as 2026-10-01T09:30:00+08:00")
    return datetime.fromisoformat(value.upper())


def _date_from_text(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("a date is a text, written YYYY-MM-DD")
    return date.fromisoformat(value)


_YEARS = (AfterValidator(_checked), Field(json_schema_extra={"pattern": YEARS_PATTERN}))
GivenTime = Annotated[AwareDatetime, BeforeValidator(_time_from_text), *_YEARS]
"""A time that a caller or a terminal says. What is read back is a ``Time``: nothing that was taken gets unreadable."""
GivenDate = Annotated[date, BeforeValidator(_date_from_text), *_YEARS]
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

    @classmethod
    def completed(cls, raw: bytes) -> bytes:
        """Return the body's JSON with what follows from other fields. Types are checked strictly after that.

        A validator that runs before those of the fields would hand them Python's objects, which have no strict dates.
        """
        return raw


class View(BaseModel):
    """The body of an HTTP answer."""

    model_config = ConfigDict(frozen=True, extra="ignore")
