"""YAML (or JSON, which is YAML too) as nodes: plain values only, no surprises.

A key that is there twice, and a text that unfolds into far more than it says, are errors. A value or a key that is
wrong by itself is told with its field, and the rest is read all the same.
"""

from typing import Any

import yaml
from yaml.nodes import MappingNode, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from services.triage.policy_file.core import CoreLoader
from services.triage.policy_file.node import UNREAD, Node, Path, dotted
from services.triage.policy_file.problems import InvalidPolicy, Problem

MOST_NODES = 100_000
"""Aliases can make a small text enormous; no policy is that large."""
Pair = tuple[yaml.Node, yaml.Node]
_KINDS = ("str", "null", "bool", "int", "float")
LARGEST = 2**53
"""JSON's numbers are exact up to here, in every language."""


def parse(text: str | bytes, source: str) -> Node:
    """Read a text; ``source`` is what errors call it. Raises :class:`InvalidPolicy`."""
    root, problems = read(text, source)
    if problems:
        raise InvalidPolicy(problems)
    return root


def read(text: str | bytes, source: str) -> tuple[Node, list[Problem]]:
    """As :func:`parse`, but what is wrong by itself is returned and the node of such a value is ``UNREAD``.

    Raises :class:`InvalidPolicy` where there is no telling what is written.
    """
    try:
        loader = CoreLoader(text)
    except yaml.YAMLError as error:
        raise _refused(source, 1, f"not a text: {error.reason if isinstance(error, ReaderError) else error}") from error
    try:
        root = loader.get_single_node()
        if root is None:
            return Node(value={}, source=source, line=1), []
        reader = _Reader(loader, source)
        return reader.node(root, ()), reader.problems
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
        self.problems: list[Problem] = []

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
            value = self._scalar(node, field)
        return Node(value=value, source=self._source, line=line, field=field)

    def _mapping(self, node: MappingNode, field: Path) -> dict[str, Node]:
        node.value = self._with_names(node.value, field)
        self._loader.flatten_mapping(node)  # what `<<` brings comes first, so that own keys win
        found: dict[str, Node] = {}
        for key, value in node.value:
            below = self.node(value, (*field, key.value))
            found[key.value] = Node(
                value=below.value, source=self._source, line=key.start_mark.line + 1, field=below.field
            )
        return found

    def _with_names(self, pairs: list[Pair], field: Path) -> list[Pair]:
        """Return the pairs that have a name before the colon, and tell of names that are there twice."""
        named: list[Pair] = []
        seen: dict[str, int] = {}
        for key, value in pairs:
            line = key.start_mark.line + 1
            whole = _whole(key.value) if isinstance(key, ScalarNode) else None
            if whole is None:
                self._tell(line, field, "a name is needed before the colon")
                continue
            key.value = whole
            if whole in seen and key.tag != "tag:yaml.org,2002:merge":
                self._tell(line, (*field, whole), f"is here twice; first in line {seen[whole]}")
            seen.setdefault(whole, line)
            named.append((key, value))
        return named

    def _tell(self, line: int, field: Path, message: str) -> None:
        self.problems.append(Problem(source=self._source, line=line, field=dotted(field), message=message))

    def _scalar(self, node: yaml.Node, field: Path) -> Any:
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
        self._tell(node.start_mark.line + 1, field, _why_not(text, kind, node.tag))
        return UNREAD


def _number(text: str, kind: str) -> int | float | None:
    number = _float(text)
    if number is None or not abs(number) <= LARGEST:
        return None
    try:
        return int(text.replace("_", "")) if kind == "int" else number
    except ValueError:  # a tag that claims what the text is not
        return None


def _float(text: str) -> float | None:
    try:
        return float(text.replace("_", ""))
    except ValueError:
        return None


def _why_not(text: str, kind: str, tag: str) -> str:
    number = _float(text) if kind in ("int", "float") else None
    if number is not None and abs(number) > LARGEST:
        return f"{text[:40]} is too {'large; the most is ' if number > 0 else 'small; the least is -'}{LARGEST}"
    reason = f"{text[:40]!r} cannot be read as {tag}" if kind in _KINDS else f"{tag} is not known here"
    return f"{reason}; write a text, a number, true, false or null"


def _whole(text: str) -> str | None:
    """Return a text with JSON's escapes of two halves as the one character that they mean; None for half a one."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return None


def _refused(source: str, line: int, message: str) -> InvalidPolicy:
    return InvalidPolicy([Problem(source=source, line=line, field="", message=message)])
