"""Says what is wrong in the words of who wrote the file."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from shared.policy_files.source_nodes import Path

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
