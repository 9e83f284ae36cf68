"""YAML (or JSON, which is YAML too) as source nodes: plain values only, no surprises.

ruamel.yaml parses it by YAML 1.2, where ``no`` and ``17:00`` are texts. A key that is there twice, and a text that
unfolds into far more than it says, are errors. A value or a key that is wrong by itself is told with its field,
and the rest is read all the same.
"""

from contextlib import suppress
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.resolver import VersionedResolver

from shared.policy_files.problems import UNREAD, InvalidPolicy, Path, Problem, SourceNode, dotted

NODE_LIMIT = 100_000
"""Aliases can make a small text enormous; no policy is that large."""
EMPTY = "nothing is written here; a mapping without a field is {}"
NUMBER_LIMIT = 2**53
"""JSON's numbers are exact up to here, in every language."""
_MERGE = "tag:yaml.org,2002:merge"
_KINDS = ("str", "null", "bool", "int", "float")


class CoreResolver(VersionedResolver):
    """YAML's core schema: a date is a text, and no directive makes ``no`` a boolean."""

    processing_version = (1, 2)

    def add_version_implicit_resolver(self, version: Any, tag: Any, regexp: Any, first: Any) -> None:
        """Leave out what JSON has no type for."""
        if tag == _MERGE or tag.rpartition(":")[2] in _KINDS:
            super().add_version_implicit_resolver(version, tag, regexp, first)


def parse(text: str | bytes, source: str) -> SourceNode:
    """Read a text; ``source`` is what errors call it. Raises :class:`InvalidPolicy`."""
    root, problems = read_nodes(text, source)
    if problems:
        raise InvalidPolicy(problems)
    return root


def read_nodes(text: str | bytes, source: str) -> tuple[SourceNode, list[Problem]]:
    """As :func:`parse`, but what is wrong by itself is returned and the node of such a value is ``UNREAD``.

    Raises :class:`InvalidPolicy` where there is no telling what is written.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = CoreResolver
    yaml.composer.warn_double_anchors = False
    try:
        root = yaml.compose(text)
        reader = _Reader(yaml.constructor, source)
        node = None if root is None else reader.node(root, ())
    except ReaderError as error:
        raise _refused(source, 1, f"not a text: {error.reason}") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise _refused(source, line, f"not YAML: {error.problem or error.context}") from error
    except YAMLError as error:
        raise _refused(source, 1, f"not YAML: {error}") from error
    except RecursionError as error:
        raise _refused(source, 1, "nested too deeply") from error
    if node is None or node.value is None:  # what was cut off, and not what somebody wants to be so
        raise _refused(source, 1, EMPTY)
    return node, reader.problems


class _Reader:
    def __init__(self, constructor: Any, source: str) -> None:
        self._constructor = constructor
        self._source = source
        self._count = 0
        self.problems: list[Problem] = []

    def node(self, node: Node, field: Path) -> SourceNode:
        self._count += 1
        line = node.start_mark.line + 1
        if self._count > NODE_LIMIT:
            raise _refused(self._source, line, "too large when its aliases are unfolded")
        value: Any
        if isinstance(node, MappingNode):
            value = self._mapping(node, field)
        elif isinstance(node, SequenceNode):
            value = [self.node(item, (*field, n)) for n, item in enumerate(node.value)]
        else:
            value = self._scalar(node, field)
        return SourceNode(value=value, source=self._source, line=line, field=field)

    def _mapping(self, node: MappingNode, field: Path) -> dict[str, SourceNode]:
        node.value = list(self._named(node, field))
        self._constructor.flatten_mapping(node)  # what `<<` brings comes first, so that own keys win
        found: dict[str, SourceNode] = {}
        for key, value in node.value:
            below = self.node(value, (*field, key.value))
            line = key.start_mark.line + 1
            found[key.value] = SourceNode(value=below.value, source=self._source, line=line, field=below.field)
        return found

    def _named(self, node: MappingNode, field: Path) -> list[tuple[ScalarNode, Node]]:
        """Return the pairs that have a name before the colon, and tell of names that are there twice."""
        named: list[tuple[ScalarNode, Node]] = []
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            whole = _whole(key.value) if isinstance(key, ScalarNode) else UNREAD
            if not isinstance(whole, str):
                self._tell(line, field, "a name is needed before the colon")
                continue
            key.value = whole
            if whole in seen and key.tag != _MERGE:
                self._tell(line, (*field, whole), f"is here twice; first in line {seen[whole]}")
            seen.setdefault(whole, line)
            named.append((key, value))
        return named

    def _tell(self, line: int, field: Path, message: str) -> None:
        self.problems.append(Problem(source=self._source, line=line, field=dotted(field), message=message))

    def _scalar(self, node: Node, field: Path) -> Any:
        text, kind = str(node.value), str(node.tag).rpartition(":")[2]
        value: Any = UNREAD
        if kind == "str":
            value = _whole(text)
        elif kind in _KINDS:
            with suppress(ValueError, LookupError, YAMLError):  # a tag that claims what the text is not
                value = self._constructor.construct_object(node)
        why = _why_not(value, text, str(node.tag), kind)
        if why:
            self._tell(node.start_mark.line + 1, field, why)
        return UNREAD if why else value


def _why_not(value: Any, text: str, tag: str, kind: str) -> str | None:
    """Return why a value can't be used; None where it can."""
    if value is UNREAD and kind == "int" and text.strip("+-").isdecimal():
        value = float(text)  # Python refuses to make a whole number of thousands of digits
    if isinstance(value, int | float) and abs(value) > NUMBER_LIMIT:
        way = f"large; the most is {NUMBER_LIMIT}" if value > 0 else f"small; the least is -{NUMBER_LIMIT}"
        return f"{text[:40]} is too {way}"
    if value is not UNREAD and value == value:  # all but NaN
        return None
    reason = f"{text[:40]!r} cannot be read as {tag}" if kind in _KINDS else f"{tag} is not known here"
    return f"{reason}; write a text, a number, true, false or null"


def _whole(text: str) -> object:
    """Return a text with JSON's escapes of two halves as the one character that they mean; UNREAD for half a one."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return UNREAD


def _refused(source: str, line: int, message: str) -> InvalidPolicy:
    return InvalidPolicy([Problem(source=source, line=line, field="", message=message)])
