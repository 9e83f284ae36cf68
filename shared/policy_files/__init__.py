"""Policies as YAML files: read, checked with line and field, laid over a default, written, described.

What may stand in a file is a frozen dataclass; its types, limits and texts are what is checked and what the
documentation says. A service gives the record, the packaged default and what no single field shows.
"""

from shared.policy_files.policy_set import (
    Change,
    Document,
    Effective,
    PolicyFormat,
    PolicySet,
    changes,
    digest_of,
    to_yaml,
)
from shared.policy_files.problems import InvalidPolicy, Problem
from shared.policy_files.validation import RecordFormat

__all__ = [
    "Change", "Document", "Effective", "InvalidPolicy", "PolicyFormat", "PolicySet", "Problem", "RecordFormat",
    "changes", "digest_of", "to_yaml",
]  # fmt: skip
