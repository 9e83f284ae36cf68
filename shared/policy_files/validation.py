"""From source nodes to a record, or everything that is wrong with them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from shared.policy_files.messages import hint, in_words
from shared.policy_files.problems import InvalidPolicy, Problem, problem_at
from shared.policy_files.source_nodes import UNREAD, Path, SourceNode
from shared.policy_files.value_types import fields_of, type_at

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
