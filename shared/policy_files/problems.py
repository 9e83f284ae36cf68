"""What is wrong with a policy, each with the line and the field, and the error that carries it all."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.errors import InvalidInput
from shared.policy_files.source_nodes import Path, SourceNode, dotted


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
