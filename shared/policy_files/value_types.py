"""What a type says about a place in a policy: a record with fields, or a mapping of entries."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from shared.policy_files.source_nodes import Path


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
