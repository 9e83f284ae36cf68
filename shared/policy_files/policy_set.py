"""A bank's policies: the packaged default, the bank's file over it, and a branch's exceptions over that."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from importlib.resources.abc import Traversable
from io import StringIO
from pathlib import Path as File
from typing import Any, Generic, TypeVar

import orjson
from ruamel.yaml import YAML

from shared.contracts.base import BRANCH_PATTERN
from shared.policy_files.problems import UNREAD, InvalidPolicy, Path, Problem, SourceNode, dotted, problem_at
from shared.policy_files.validation import RecordFormat, entry_of, fields_of
from shared.policy_files.yaml_reader import CoreResolver, parse, read_nodes


def overlay(kind: Any, below: SourceNode, above: SourceNode) -> SourceNode:
    """Lay ``above`` over ``below``, both of this type.

    Records are laid over each other field by field, mappings entry by entry; anything else is
    replaced. In a mapping of entries ``null`` takes an entry away. What could not be read replaces nothing:
    the reader has told of it, and what refers to the value below is not wrong because of it.
    """
    if above.value is UNREAD:
        return below
    if not isinstance(below.value, dict) or not isinstance(above.value, dict):
        return above
    fields, entry = fields_of(kind), entry_of(kind)
    if fields is None and entry is None:
        return above
    merged = dict(below.value)
    for name, node in above.value.items():
        if node.value is None and fields is None:
            merged.pop(name, None)
        elif name in merged:
            merged[name] = overlay(entry if fields is None else fields.get(name), merged[name], node)
        else:
            merged[name] = node
    return SourceNode(value=merged, source=above.source, line=above.line, field=above.field)


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


Document = dict[str, Any]


def digest_of(document: Document) -> str:
    """Return what identifies the content: the SHA-256 of its canonical JSON, in hexadecimal."""
    return sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


def to_yaml(document: Document) -> str:
    """Return a document as the text of a policy file."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = CoreResolver  # quotes what the reader would take for something else than a text
    # Block style: in a flow list ruamel writes a text that begins with ? so that it can't be read back.
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment] # ruamel's own default is None
    yaml.width = 120
    text = StringIO()
    yaml.dump(document, text)
    return text.getvalue()


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
