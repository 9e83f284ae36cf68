"""Where two policies differ, field by field."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.policy_files.source_nodes import Path, dotted


@dataclass(frozen=True, kw_only=True)
class Change:
    """A field with what it was and what it is; ``None`` where it was not there, or is not any more."""

    field: str
    before: Any
    after: Any


def changes(before: Any, after: Any, path: Path = ()) -> Iterator[Change]:
    """Return every field that differs, in the order of the policy."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys((*before, *after)):
            yield from changes(before.get(name), after.get(name), (*path, name))
    elif before != after:
        yield Change(field=dotted(path), before=before, after=after)
