"""docs/architecture.md's maps: each place that they name is in the code."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = re.findall(
    r"^((?:services|shared|tests)/[\w/]+\.py)::([\w.]+)  +\S", (ROOT / "docs/architecture.md").read_text("utf-8"), re.M
)


def test_the_map_names_places() -> None:
    assert len(PLACES) > 15


@pytest.mark.parametrize(("file", "name"), PLACES)
def test_each_place_of_the_map_is_in_the_code(file: str, name: str) -> None:
    found: list[ast.stmt] = ast.parse((ROOT / file).read_text("utf-8")).body
    for part in name.split("."):
        named = [each for each in found if part in _names(each)]
        assert named, f"{file} has no {name}"
        found = getattr(named[0], "body", [])


def _names(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Assign):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return [getattr(statement, "name", "")]
