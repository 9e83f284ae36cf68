"""A policy text as a tree that remembers where each part was written, so that an error names line and field."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

UNREAD: Final = object()
"""The value of a node that something was written for, but nothing that can be read."""

Path = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class SourceNode:
    """A value with its place: a scalar, a mapping of names to nodes, or a list of nodes.

    ``field`` is the path to it in its own text, such as ``branches.hq.green_age``.
    """

    value: Any
    source: str
    line: int
    field: Path = ()

    def plain(self, *, keep_unread: bool = False) -> Any:
        """Return the value without the places; what is unread is null in a list, and left out elsewhere unless kept."""
        if isinstance(self.value, dict):
            nodes = {name: node for name, node in self.value.items() if keep_unread or node.value is not UNREAD}
            return {name: node.plain(keep_unread=keep_unread) for name, node in nodes.items()}
        if isinstance(self.value, list):
            return [node.plain(keep_unread=keep_unread) for node in self.value]
        return None if self.value is UNREAD else self.value

    def at(self, path: Iterable[str | int]) -> tuple["SourceNode", Path]:
        """Return the deepest node on the way along ``path``, and what is left of the path from there."""
        node, rest = self, tuple(path)
        while rest and (below := node._child(rest[0])) is not None:
            node, rest = below, rest[1:]
        return node, rest

    def _child(self, step: str | int) -> "SourceNode | None":
        if isinstance(self.value, dict):
            return self.value.get(step)
        is_item = isinstance(self.value, list) and isinstance(step, int) and step < len(self.value)
        return self.value[step] if is_item else None


def dotted(path: Iterable[str | int]) -> str:
    """Return a path as it is shown: ``businesses.query.devices.0``."""
    return ".".join(map(str, path))
