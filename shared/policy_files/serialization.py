"""A policy's document, which is plain values, as text and as a digest."""

from hashlib import sha256
from io import StringIO
from typing import Any

import orjson
from ruamel.yaml import YAML

from shared.policy_files.yaml_reader import CoreResolver

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
