"""From source nodes to a record, or everything that is wrong with them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass
from functools import cache, cached_property
from types import NoneType, UnionType
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import orjson
from pydantic import TypeAdapter, ValidationError

from shared.policy_files.problems import UNREAD, InvalidPolicy, Path, Problem, SourceNode, hint, in_words, problem_at


def without_none(kind: Any) -> Any:
    """Return a type without its ``| None``."""
    if get_origin(kind) in (Union, UnionType):
        others = [option for option in get_args(kind) if option is not NoneType]
        return others[0] if len(others) == 1 else kind
    return kind


@cache
def fields_of(kind: Any) -> Mapping[str, Any] | None:
    """Return the fields of a record with their types, or None for another kind of type."""
    kind = without_none(kind)
    return get_type_hints(kind) if is_dataclass(kind) and isinstance(kind, type) else None


def entry_of(kind: Any) -> Any | None:
    """Return the type of a mapping's entries, or None for another kind of type."""
    kind = without_none(kind)
    return get_args(kind)[1] if get_origin(kind) in (Mapping, dict) else None


def type_at(kind: Any, path: Path) -> Any:
    """Return the type of what is at a path of a record; None where there is no such place."""
    for step in path:
        fields = fields_of(kind)
        kind = entry_of(kind) if fields is None else fields.get(str(step))
    return kind


T = TypeVar("T")
Finding = tuple[Path, str]
"""The path of the field to mend, and what is wrong there."""


@dataclass(frozen=True, kw_only=True)
class RecordFormat(Generic[T]):
    """What may stand in a file: a record, and what its fields must be together.

    ``value_names`` says what the values of a ``Literal`` are called in a message: "a channel".
    """

    record: type[T]
    cross_field_checks: Callable[[T], Iterable[Finding]]
    value_names: Mapping[frozenset[str], str] = field(default_factory=dict)

    @cached_property
    def adapter(self) -> TypeAdapter[T]:
        """What pydantic knows of the record."""
        return TypeAdapter(self.record)

    def validated(self, root: SourceNode) -> T:
        """Return the record that a whole tree describes; raise :class:`InvalidPolicy` with all that is wrong."""
        problems: list[Problem] = []
        try:
            record = self._record(root.plain(keep_unread=True), extra="forbid")
        except ValidationError as error:
            problems += self._problems(root, error)
            try:  # an unknown field, and a value that could not be read, hide nothing else
                record = self._record(root.plain(), extra="ignore")
            except ValidationError:
                raise InvalidPolicy(problems) from error
        problems += [problem_at(root, path, message) for path, message in self.cross_field_checks(record)]
        if problems:
            raise InvalidPolicy(problems)
        return record

    def _record(self, plain: Any, extra: Literal["forbid", "ignore"]) -> T:
        return self.adapter.validate_json(orjson.dumps(plain), strict=True, extra=extra)

    def _problems(self, root: SourceNode, error: ValidationError) -> Iterator[Problem]:
        for details in error.errors(include_url=False):
            path = tuple(step for step in details["loc"] if step != "[key]")
            if details["type"] == "unexpected_keyword_argument":
                known = fields_of(type_at(self.record, path[:-1])) or ()
                yield problem_at(root, path, f"there is no such field{hint(path[-1], known)}")
            elif root.at(path)[0].value is not UNREAD:  # of such a value the reader has told
                yield problem_at(root, path, in_words(details, path, self.value_names))
