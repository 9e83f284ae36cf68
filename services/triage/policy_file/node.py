"""A policy text as a tree that remembers where each part was written, so that an error names line and field."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

UNREAD: Final = object()
"""The value of a node that something was written for, but nothing that can be read."""

Path = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Node:
    """A value with its place: a scalar, a mapping of names to nodes, or a list of nodes.

    ``field`` is the path to it in its own text, such as ``branches.hq.green_age``.
    """

    value: Any
    source: str
    line: int
    field: Path = ()

    def plain(self) -> Any:
        """Return the value without the places; what is unread is left out, or null in a list."""
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items() if node.value is not UNREAD}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return None if self.value is UNREAD else self.value

    def at(self, path: Iterable[str | int]) -> tuple["Node", Path]:
        """Return the deepest node on the way along ``path``, and what is left of the path from there."""
        node, rest = self, tuple(path)
        while rest:
            below = _child(node, rest[0])
            if below is None:
                break
            node, rest = below, rest[1:]
        return node, rest


def _child(node: Node, step: str | int) -> Node | None:
    if isinstance(node.value, dict):
        found = node.value.get(step)
    elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
        found = node.value[step]
    else:
        found = None
    return found if isinstance(found, Node) else None


def dotted(path: Iterable[str | int]) -> str:
    """Return a path as it is shown: ``businesses.query.devices.0``."""
    return ".".join(map(str, path))
