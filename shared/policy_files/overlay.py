"""One text over another: what the upper one does not say is as the lower one says."""

from typing import Any

from shared.policy_files.source_nodes import UNREAD, SourceNode
from shared.policy_files.value_types import entry_of, fields_of


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
