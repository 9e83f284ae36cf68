"""From nodes to a :class:`Policy`, or everything that is wrong with them."""

from collections.abc import Iterator
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from services.triage.policy import Policy
from services.triage.policy_file.coherence import incoherent
from services.triage.policy_file.kinds import entry_of, fields_of, item_of
from services.triage.policy_file.node import UNREAD, Node, Path
from services.triage.policy_file.problems import InvalidPolicy, Problem, problem_at
from services.triage.policy_file.words import hint, in_words

POLICY: TypeAdapter[Policy] = TypeAdapter(Policy)


def checked(root: Node) -> Policy:
    """Return the policy that a whole tree describes; raise :class:`InvalidPolicy` with all that is wrong."""
    problems = list(unknown(root))
    try:
        policy = POLICY.validate_json(orjson.dumps(root.plain()), strict=True)
    except ValidationError as error:
        raise InvalidPolicy([*problems, *_broken(root, error)]) from error
    problems += [problem_at(root, path, message) for path, message in incoherent(policy)]
    if problems:
        raise InvalidPolicy(problems)
    return policy


def unknown(root: Node, kind: Any = Policy, path: Path = ()) -> Iterator[Problem]:
    """Find names that no field has, as far as the tree fits the type."""
    node, _ = root.at(path)
    fields, entry, item = fields_of(kind), entry_of(kind), item_of(kind)
    if isinstance(node.value, dict):
        for name in node.value:
            if fields is not None and name not in fields:
                yield problem_at(root, (*path, name), f"there is no such field{hint(name, fields)}")
            else:
                yield from unknown(root, entry if fields is None else fields[name], (*path, name))
    elif isinstance(node.value, list) and item is not None:
        for number in range(len(node.value)):
            yield from unknown(root, item, (*path, number))


def _broken(root: Node, error: ValidationError) -> Iterator[Problem]:
    for details in error.errors(include_url=False):
        path = tuple(step for step in details["loc"] if step != "[key]")
        if root.at(path)[0].value is UNREAD:
            continue  # whoever read the text has said why
        yield problem_at(root, path, in_words(details, path))
