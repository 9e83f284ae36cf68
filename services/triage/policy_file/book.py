"""A bank's policies: the packaged default, the bank's file over it, and a branch's exceptions over that."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path as File

from services.triage.policy import Policy
from services.triage.policy_file.check import checked
from services.triage.policy_file.form import Document, digest_of, document_of
from services.triage.policy_file.layers import over
from services.triage.policy_file.node import UNREAD, Node
from services.triage.policy_file.problems import InvalidPolicy, Problem, problem_at
from services.triage.policy_file.text import parse, read
from shared.contracts.base import BRANCH_PATTERN

BRANCHES = "branches"
OVERRIDES = "overrides"


@dataclass(frozen=True, kw_only=True)
class Effective:
    """The policy that a branch has, with what identifies it."""

    policy: Policy

    @cached_property
    def document(self) -> Document:
        """The policy as plain values."""
        return document_of(self.policy)

    @cached_property
    def digest(self) -> str:
        """What identifies its content."""
        return digest_of(self.document)


@dataclass(frozen=True, kw_only=True)
class Book:
    """Every policy of a bank. ``source`` is the file's name, or ``default``."""

    source: str
    bank: Node
    branches: Mapping[str, Node] = field(default_factory=dict)
    _known: dict[str, Effective] = field(default_factory=dict, init=False, repr=False, compare=False)

    def of(self, branch: str = "") -> Effective:
        """Return a branch's policy: the bank's, unless the file has exceptions for it."""
        key = branch if branch in self.branches else ""
        if key not in self._known:
            self._known[key] = Effective(policy=checked(self._tree(branch)))
        return self._known[key]

    def with_overrides(self, branch: str, text: str | bytes) -> tuple[Document, Effective]:
        """Return further exceptions of a branch as a document, and its policy with them.

        Raises :class:`InvalidPolicy`.
        """
        root, problems = read(text, OVERRIDES)
        above = _mapping(root)
        if not above.value and not problems:
            return {}, self.of(branch)
        try:
            policy = checked(over(Policy, self._tree(branch), above))
        except InvalidPolicy as error:
            raise InvalidPolicy([*problems, *error.problems]) from error
        if problems:
            raise InvalidPolicy(problems)
        return above.plain(), Effective(policy=policy)

    def _tree(self, branch: str) -> Node:
        own = self.branches.get(branch)
        return self.bank if own is None else over(Policy, self.bank, own)


@cache
def default() -> Book:
    """Return the packaged default."""
    text = (files(__package__) / "default.yaml").read_text("utf-8")
    return Book(source="default", bank=parse(text, "default.yaml"))


def read_book(text: str | bytes, source: str) -> Book:
    """Read a bank's file, its branches too; raise :class:`InvalidPolicy` with everything that is wrong in it."""
    written, problems = read(text, source)
    root = _mapping(written)
    sections = root.value.pop(BRANCHES, None)
    branches = {} if sections is None else _mapping(sections).value
    bank = over(Policy, default().bank, root)
    book = Book(source=source, bank=bank, branches={name: _mapping(node) for name, node in branches.items()})
    problems += [problem for name, node in book.branches.items() for problem in _named(name, node)]
    for branch in ("", *book.branches):
        try:
            book.of(branch)
        except InvalidPolicy as error:
            problems += error.problems
    if problems:
        raise InvalidPolicy(problems)
    return book


def load_book(file: File | None) -> Book:
    """Read the file that LOBBY_POLICY names; the default where it names none. Raises :class:`InvalidPolicy`."""
    if file is None:
        return default()
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise _unreadable(file, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise _unreadable(file, "not UTF-8") from error
    return read_book(text, file.name)


def _named(name: str, node: Node) -> list[Problem]:
    if re.fullmatch(BRANCH_PATTERN, name):
        return []
    return [problem_at(node, (), f"a branch id matches {BRANCH_PATTERN}")]


def _mapping(node: Node) -> Node:
    if node.value is None or node.value is UNREAD:
        return Node(value={}, source=node.source, line=node.line, field=node.field)
    if not isinstance(node.value, dict):
        raise InvalidPolicy([problem_at(node, (), "a mapping of fields is needed, such as `green_age: 65`")])
    return node


def _unreadable(file: File, why: str) -> InvalidPolicy:
    return InvalidPolicy([Problem(source=file.name, line=1, field="", message=why)])
