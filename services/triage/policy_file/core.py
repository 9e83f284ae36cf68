"""YAML's core schema, for reading and for writing: what one writes plainly, the other reads as the same.

PyYAML's own is that of YAML 1.1, where ``no`` is false and ``17:00`` is 1020.
"""

import re
from typing import Any

import yaml


class CoreLoader(yaml.SafeLoader):
    """Reads the core schema."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way to have a schema


class CoreDumper(yaml.SafeDumper):
    """Quotes what the core schema would read as something else than a text."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as above


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9][0-9_]*", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    for _side in (CoreLoader, CoreDumper):
        _side.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)
