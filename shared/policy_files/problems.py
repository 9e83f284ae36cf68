"""Where each part of a policy was written, and what is wrong there, in the words of who wrote the file."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from shared.errors import InvalidInput

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


_SENTENCES = {
    "int_type": "a whole number is needed, not {input}",
    "float_type": "a number is needed, not {input}",
    "bool_type": "true or false is needed, not {input}",
    "string_type": "a text is needed, not {input}",
    "tuple_type": "a list is needed, not {input}",
    "dict_type": "a mapping is needed, not {input}",
    "mapping_type": "a mapping is needed, not {input}",
    "dataclass_type": "a mapping is needed, not {input}",
    "missing": "is needed",
    "greater_than_equal": "{input} is too small; the least is {ge}",
    "greater_than": "{input} is too small; it must be more than {gt}",
    "less_than_equal": "{input} is too large; the most is {le}",
    "less_than": "{input} is too large; it must be less than {lt}",
    "string_pattern_mismatch": "{input} does not match {pattern}",
}


def in_words(details: Any, path: Path, value_names: Mapping[frozenset[str], str]) -> str:
    """Return the sentence for one of pydantic's errors."""
    given, context = details["input"], details.get("ctx", {})
    if details["type"] == "literal_error":
        allowed = re.findall(r"'([^']*)'", context["expected"])
        name = value_names.get(frozenset(allowed), f"possible for {path[-1]}")
        return f"{given!r} is not {name}{hint(given, allowed)}"
    sentence = _SENTENCES.get(details["type"])
    if sentence is None:
        return str(details["msg"])
    return sentence.format(input=shown(given), **{name: _limit(value) for name, value in context.items()})


def hint(given: object, allowed: Iterable[str]) -> str:
    """Return what was meant, or where nothing is close what is possible."""
    names = list(allowed)
    close = get_close_matches(str(given), names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; possible: {', '.join(names)}" if names else ""


def _limit(value: object) -> str:
    return value if isinstance(value, str) else shown(value)


def shown(given: object) -> str:
    """Return a value as it is written; what has parts is only named."""
    if isinstance(given, dict):
        return "a mapping"
    if isinstance(given, list):
        return "a list"
    if isinstance(given, float):
        return f"{given:g}"
    return "nothing" if given is None else repr(given)


@dataclass(frozen=True, kw_only=True, order=True)
class Problem:
    """Where it is written, and what is wrong there."""

    source: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        """Return it as compilers do: ``policy.yaml:41: businesses.query.channel: …``."""
        where = f"{self.source}:{self.line}"
        return f"{where}: {self.field}: {self.message}" if self.field else f"{where}: {self.message}"


def problem_at(root: SourceNode, path: Path, message: str) -> Problem:
    """Return a problem of the field at ``path``, with the place of the nearest part that was written."""
    node, rest = root.at(path)
    return Problem(source=node.source, line=node.line, field=dotted((*node.field, *rest)), message=message)


class InvalidPolicy(InvalidInput):
    """A policy can't be used; ``errors`` names each field with its line and what is wrong there."""

    code = "invalid_policy"
    title = "The policy is not valid"

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep each problem once, in the order of the lines."""
        self.problems = sorted(set(problems))
        errors = [{"field": p.field, "message": p.message, "line": p.line} for p in self.problems]
        super().__init__("\n".join(map(str, self.problems)), errors=errors)
