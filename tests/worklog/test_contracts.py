"""Every happening of a day's log is a public event of the same name and fields."""

from dataclasses import fields
from typing import get_args

import pytest

from services.worklog.model.happenings import Happening
from shared.contracts import worklog
from shared.contracts.registry import all_types

HAPPENINGS = get_args(Happening)


@pytest.mark.parametrize("happening", HAPPENINGS, ids=lambda cls: cls.__name__)
def test_a_happening_has_a_contract_of_its_name_with_its_fields(happening: type) -> None:
    contract = getattr(worklog, happening.__name__)
    assert set(contract.model_fields) == {field.name for field in fields(happening)}


def test_no_contract_is_left_without_a_happening() -> None:
    public = {model.__name__ for type_, model in all_types().items() if type_.startswith("lobby.worklog.")}
    assert public == {happening.__name__ for happening in HAPPENINGS}
