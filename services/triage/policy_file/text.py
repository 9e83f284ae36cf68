"""YAML (or JSON, which is YAML too) as nodes: plain values only, no surprises.

A key that is there twice, and a text that unfolds into far more than it says, are errors.
"""

from typing import Any

import yaml
from yaml.nodes import MappingNode, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from services.triage.policy_file.core import CoreLoader
from services.triage.policy_file.node import Node, Path
from services.triage.policy_file.problems import InvalidPolicy, Problem

MOST_NODES = 100_000
"""Aliases can make a small text enormous; no policy is that large."""
_KINDS = ("str", "null", "bool", "int", "float")
LARGEST = 2**53
"""JSON's numbers are exact up to here, in every language."""


def parse(text: str | bytes, source: str) -> Node:
    """Read a text; ``source`` is what errors call it. Raises :class:`InvalidPolicy`."""
    try:
        loader = CoreLoader(text)
    except yaml.YAMLError as error:
        raise _refused(source, 1, f"not a text: {error.reason if isinstance(error, ReaderError) else error}") from error
    try:
        root = loader.get_single_node()
        if root is None:
            return Node(value={}, source=source, line=1)
        return _Reader(loader, source).node(root, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise _refused(source, line, f"not YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise _refused(source, 1, f"not YAML: {error}") from error
    except RecursionError as error:
        raise _refused(source, 1, "nested too deeply") from error
    finally:
        loader.dispose()


class _Reader:
    def __init__(self, loader: CoreLoader, source: str) -> None:
        self._loader = loader
        self._source = source
        self._count = 0

    def node(self, node: yaml.Node, field: Path) -> Node:
        self._count += 1
        line = node.start_mark.line + 1
        if self._count > MOST_NODES:
            raise _refused(self._source, line, "too large when its aliases are unfolded")
        value: Any
        if isinstance(node, MappingNode):
            value = self._mapping(node, field)
        elif isinstance(node, SequenceNode):
            value = [self.node(item, (*field, n)) for n, item in enumerate(node.value)]
        else:
            value = self._scalar(node)
        return Node(value=value, source=self._source, line=line, field=field)

    def _mapping(self, node: MappingNode, field: Path) -> dict[str, Node]:
        own = [key for key, _ in node.value]
        _check_keys(own, self._source)
        self._loader.flatten_mapping(node)  # what `<<` brings comes first, so that own keys win
        found: dict[str, Node] = {}
        for key, value in node.value:
            below = self.node(value, (*field, key.value))
            found[key.value] = Node(
                value=below.value, source=self._source, line=key.start_mark.line + 1, field=below.field
            )
        return found

    def _scalar(self, node: yaml.Node) -> Any:
        assert isinstance(node, ScalarNode)
        text, kind = node.value, node.tag.rpartition(":")[2]
        if kind == "str" and (whole := _whole(text)) is not None:
            return whole
        if kind == "null":
            return None
        if kind == "bool" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if kind in ("int", "float") and (number := _number(text, kind)) is not None:
            return number
        reason = f"{text[:40]!r} cannot be read as {node.tag}" if kind in _KINDS else f"{node.tag} is not known here"
        raise _refused(self._source, node.start_mark.line + 1, f"{reason}; write a text, a number, true, false or null")


def _number(text: str, kind: str) -> int | float | None:
    try:
        number = float(text.replace("_", ""))
        if abs(number) <= LARGEST:
            return int(text.replace("_", "")) if kind == "int" else number
    except ValueError:  # a tag that claims what the text is not
        pass
    return None


def _whole(text: str) -> str | None:
    """Return a text with JSON's escapes of two halves as the one character that they mean; None for half a one."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return None


def _check_keys(keys: list[yaml.Node], source: str) -> None:
    seen: dict[str, int] = {}
    for key in keys:
        line = key.start_mark.line + 1
        whole = _whole(key.value) if isinstance(key, ScalarNode) else None
        if whole is None:
            raise _refused(source, line, "a name is needed before the colon")
        key.value = whole
        if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
            raise _refused(source, line, f"{key.value!r} is here twice; first in line {seen[key.value]}")
        seen[key.value] = line


def _refused(source: str, line: int, message: str) -> InvalidPolicy:
    return InvalidPolicy([Problem(source=source, line=line, field="", message=message)])
