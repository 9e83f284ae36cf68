"""Policies for the commands: of a file, with what is wrong in it, or of the running system."""

from pathlib import Path
from typing import Any

from services.ops.cli.api import call_json
from services.ops.errors import UsageError
from services.ops.local_tokens import token_for
from services.triage.policy_file import InvalidPolicy, PolicySet, load_policy_set
from shared.contracts.http.triage import POLICY
from shared.settings import Settings


# Apart from the sub-command: it loads pydantic and YAML, for which `lobby --help` need not wait.
def problems_of(file: Path) -> tuple[PolicySet | None, list[dict[str, Any]]]:
    """Return a file's policies, or what is wrong with them: line, field and message of each."""
    try:
        return load_policy_set(file), []
    except InvalidPolicy as error:
        return None, error.extra["errors"]


def policy_set_of(file: Path | None) -> PolicySet:
    """Return a file's policies, the packaged ones without a file; raise :class:`UsageError` that says what is wrong."""
    try:
        return load_policy_set(file)
    except InvalidPolicy as error:
        first, *others = error.problems
        more = f" (and {len(others)} more: lobby policy check {file})" if others else ""
        raise UsageError(f"{first}{more}") from None


def in_force(settings: Settings, origin: str | None, token: str | None, branch: str) -> dict[str, Any]:
    """Return the policy that a branch of the running system is run by, with since when and where it is from."""
    signed = token_for(settings, token, POLICY, branch=branch)
    return call_json(origin or settings.origin, signed, POLICY, path={"b": branch})
