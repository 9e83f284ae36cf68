"""Events that were stored once can be read for ever."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.contracts import registry
from shared.contracts.catalog import registry as complete

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("*.json"))


def part_of(old: Any, new: Any) -> bool:
    """Whether everything in ``old`` is in ``new`` with the same value."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(name in new and part_of(value, new[name]) for name, value in old.items())
    if isinstance(old, list):
        return isinstance(new, list) and len(old) == len(new) and all(map(part_of, old, new))
    return bool(old == new)


def test_every_type_has_a_stored_fixture_and_every_fixture_a_type() -> None:
    assert {path.stem for path in FIXTURES} == set(complete.all_types())


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
def test_a_stored_event_is_decoded(fixture: Path) -> None:
    event = registry.decode(fixture.read_bytes())
    assert event.type.rpartition(".v")[0] == fixture.stem.rpartition(".v")[0]
    assert type(event.data) is registry.newest(event.type.rpartition(".v")[0])[1]


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
def test_nothing_of_a_stored_event_is_lost_when_it_is_written_again(fixture: Path) -> None:
    stored = json.loads(fixture.read_text("utf-8"))
    event = registry.decode(fixture.read_bytes())
    if event.type != fixture.stem:
        pytest.fail("an old version: hold its upcaster with a test of its own and leave it out here")
    assert part_of(stored["data"], event.attributes()["data"])
    assert registry.decode(event.to_json()).attributes() == event.attributes()
