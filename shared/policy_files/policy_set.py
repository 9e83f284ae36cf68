"""A bank's policies: the packaged default, the bank's file over it, and a branch's exceptions over that."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources.abc import Traversable
from pathlib import Path as File
from typing import Generic, TypeVar

from shared.contracts.base import BRANCH_PATTERN
from shared.policy_files.overlay import overlay
from shared.policy_files.problems import InvalidPolicy, Problem, problem_at
from shared.policy_files.serialization import Document, digest_of
from shared.policy_files.source_nodes import UNREAD, SourceNode
from shared.policy_files.validation import RecordFormat
from shared.policy_files.yaml_reader import parse, read_nodes

P = TypeVar("P")
BRANCHES = "branches"
OVERRIDES = "overrides"


@dataclass(frozen=True, kw_only=True)
class PolicyFormat(RecordFormat[P]):
    """A record that banks and branches set, and the packaged file that says all of it."""

    packaged: Traversable

    @cached_property
    def default(self) -> "PolicySet[P]":
        """The packaged policies."""
        text = self.packaged.read_text("utf-8")
        return PolicySet(format=self, source="default", bank=parse(text, self.packaged.name))

    def load(self, file: File | None) -> "PolicySet[P]":
        """Read a bank's file; the default where there is none. Raises :class:`InvalidPolicy`."""
        if file is None:
            return self.default
        try:
            text = file.read_text("utf-8")
        except OSError as error:
            raise _unreadable(file, error.strerror or str(error)) from error
        except UnicodeDecodeError as error:
            raise _unreadable(file, "not UTF-8") from error
        return self.read(text, file.name)

    def read(self, text: str | bytes, source: str) -> "PolicySet[P]":
        """Read a bank's file, its branches too; raise :class:`InvalidPolicy` with everything that is wrong in it."""
        written, problems = read_nodes(text, source)
        root = _mapping(written)
        sections = root.value.pop(BRANCHES, None)
        branches = {} if sections is None else _mapping(sections).value
        found = PolicySet(
            format=self,
            source=source,
            bank=overlay(self.record, self.default.bank, root),
            branches={name: _mapping(node) for name, node in branches.items()},
        )
        for name, node in found.branches.items():
            if not re.fullmatch(BRANCH_PATTERN, name):
                problems.append(problem_at(node, (), f"a branch id matches {BRANCH_PATTERN}"))
        for branch in ("", *found.branches):
            try:
                found.of(branch)
            except InvalidPolicy as error:
                problems += error.problems
        if problems:
            raise InvalidPolicy(problems)
        return found

    def document_of(self, policy: P) -> Document:
        """Return the whole policy as JSON's own types, every field with its value."""
        document: Document = self.adapter.dump_python(policy, mode="json")
        return document

    def policy_of(self, document: Document) -> P:
        """Return the policy that a recorded document describes.

        One that was recorded by an older version lacks fields: they have the value that they had then,
        which is their default. Fields of a newer version are ignored.
        """
        return self.adapter.validate_python(document)


@dataclass(frozen=True, kw_only=True)
class Effective(Generic[P]):
    """The policy that a branch has, with what identifies it."""

    format: PolicyFormat[P]
    policy: P

    @cached_property
    def document(self) -> Document:
        """The policy as plain values."""
        return self.format.document_of(self.policy)

    @cached_property
    def digest(self) -> str:
        """What identifies its content."""
        return digest_of(self.document)


@dataclass(frozen=True, kw_only=True)
class PolicySet(Generic[P]):
    """Every policy of a bank. ``source`` is the file's name, or ``default``."""

    format: PolicyFormat[P]
    source: str
    bank: SourceNode
    branches: Mapping[str, SourceNode] = field(default_factory=dict)
    _known: dict[str, Effective[P]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def of(self, branch: str = "") -> Effective[P]:
        """Return a branch's policy: the bank's, unless the file has exceptions for it."""
        key = branch if branch in self.branches else ""
        if key not in self._known:
            self._known[key] = self._effective(self._tree(branch))
        return self._known[key]

    def with_overrides(self, branch: str, text: str | bytes) -> tuple[Document, Effective[P]]:
        """Return further exceptions of a branch as a document, and its policy with them.

        Raises :class:`InvalidPolicy`.
        """
        root, problems = read_nodes(text, OVERRIDES)
        above = _mapping(root)
        if not above.value and not problems:
            return {}, self.of(branch)
        try:
            effective = self._effective(overlay(self.format.record, self._tree(branch), above))
        except InvalidPolicy as error:
            raise InvalidPolicy([*problems, *error.problems]) from error
        if problems:
            raise InvalidPolicy(problems)
        return above.plain(), effective

    def _effective(self, tree: SourceNode) -> Effective[P]:
        return Effective(format=self.format, policy=self.format.validated(tree))

    def _tree(self, branch: str) -> SourceNode:
        own = self.branches.get(branch)
        return self.bank if own is None else overlay(self.format.record, self.bank, own)


def _mapping(node: SourceNode) -> SourceNode:
    if node.value is None or node.value is UNREAD:
        return SourceNode(value={}, source=node.source, line=node.line, field=node.field)
    if not isinstance(node.value, dict):
        raise InvalidPolicy([problem_at(node, (), "a mapping of fields is needed, such as `green_age: 65`")])
    return node


def _unreadable(file: File, why: str) -> InvalidPolicy:
    return InvalidPolicy([Problem(source=file.name, line=1, field="", message=why)])
