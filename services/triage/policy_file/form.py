"""A policy as plain values, as text and as a digest, and back."""

from hashlib import sha256
from typing import Any

import orjson
import yaml

from services.triage.policy import Policy
from services.triage.policy_file.check import POLICY
from services.triage.policy_file.core import CoreDumper

Document = dict[str, Any]


def document_of(policy: Policy) -> Document:
    """Return the whole policy as JSON's own types, every field with its value."""
    document: Document = POLICY.dump_python(policy, mode="json")
    return document


def policy_of(document: Document) -> Policy:
    """Return the policy that a recorded document describes.

    One that was recorded by an older version lacks fields: they have the value that they had then,
    which is their default. Fields of a newer version are ignored.
    """
    return POLICY.validate_python(document)


def digest_of(document: Document) -> str:
    """Return what identifies the content: the SHA-256 of its canonical JSON, in hexadecimal."""
    return sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


def to_yaml(document: Document) -> str:
    """Return a document as the text of a policy file."""
    text: str = yaml.dump(document, Dumper=CoreDumper, allow_unicode=True, sort_keys=False, width=120)
    return text
