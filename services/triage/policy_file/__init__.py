"""Triage's policy as a file: what may stand in it, and how it is called in messages (T2, T3, T6, T8, T11)."""

from importlib.resources import files
from types import MappingProxyType
from typing import get_args

from services.triage.policy import Business, Paper, Policy, Series
from services.triage.policy.business import DeviceKind, Diversion
from services.triage.policy.rules import Weekday
from services.triage.policy_file.cross_field_checks import cross_field_checks
from shared import policy_files
from shared.contracts.events.triage import Channel
from shared.contracts.events.types import CardTier
from shared.policy_files import Change, Document, InvalidPolicy, PolicyFormat, Problem, changes, digest_of, to_yaml

__all__ = [
    "FORMAT", "TITLES", "Change", "Document", "Effective", "InvalidPolicy", "PolicySet", "Problem", "changes",
    "default", "digest_of", "document_of", "load_policy_set", "policy_of", "read_policy_set", "to_yaml",
]  # fmt: skip

PolicySet = policy_files.PolicySet[Policy]
Effective = policy_files.Effective[Policy]

FORMAT = PolicyFormat(
    record=Policy,
    packaged=files("services.triage.policy") / "default.yaml",
    cross_field_checks=cross_field_checks,
    value_names={
        frozenset(get_args(Channel)): "a channel",
        frozenset(get_args(CardTier)): "a card tier",
        frozenset(get_args(DeviceKind)): "a kind of device",
        frozenset(get_args(Diversion)): "a kind of diversion",
        frozenset(get_args(Weekday)): "a weekday",
    },
)
TITLES = MappingProxyType(
    {
        Policy: "The policy",
        Business: "A business: an entry of `businesses`",
        Paper: "A document or form: an entry of `forms`",
        Series: "A number series: an entry of `series`",
    }
)
"""The records that are documented field by field."""

load_policy_set = FORMAT.load
read_policy_set = FORMAT.read
document_of = FORMAT.document_of
policy_of = FORMAT.policy_of


def default() -> PolicySet:
    """Return the packaged default."""
    return FORMAT.default
