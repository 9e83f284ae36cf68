"""What each field means: the text below it in the code, so that schema and documentation can't say something else."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from textwrap import dedent

from services.triage.policy import Business, Paper, Policy, Series
from services.triage.policy_file.kinds import entry_of, fields_of, item_of

RECORDS: tuple[type, ...] = (Policy, Business, Paper, Series)
"""The records of a policy file that are documented field by field."""


@cache
def meanings(record: type) -> Mapping[str, str]:
    """Return the text of each field of a record, in one line."""
    (body,) = ast.parse(dedent(inspect.getsource(record))).body
    assert isinstance(body, ast.ClassDef)
    return {name: " ".join(text.split()) for name, text in _pairs(body)}


def records_in(kind: object, *, seen: frozenset[object] = frozenset()) -> Iterator[type]:
    """Return every record that a type is made of, itself first."""
    fields = fields_of(kind)
    if fields is not None and isinstance(kind, type) and kind not in seen:
        yield kind
        for below in fields.values():
            yield from records_in(below, seen=seen | {kind})
    for part in (entry_of(kind), item_of(kind)):
        if part is not None:
            yield from records_in(part, seen=seen)


def _pairs(body: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            yield field.target.id, below.value.value
