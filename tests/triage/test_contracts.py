from dataclasses import fields

import pytest

from services.triage.model.events import HAPPENINGS
from shared.contracts import registry, triage


@pytest.mark.parametrize("happening", HAPPENINGS, ids=lambda happening: happening.__name__)
def test_each_domain_event_has_its_contract_with_the_same_fields(happening: type) -> None:
    contract = getattr(triage, happening.__name__)
    assert registry.type_of(contract).startswith("lobby.triage.")
    assert {field.name for field in fields(happening)} == set(contract.model_fields)


def test_each_contract_of_triage_has_its_domain_event() -> None:
    contracts = {m.__name__ for t, m in registry.all_types().items() if t.startswith("lobby.triage.")}
    assert contracts == {happening.__name__ for happening in HAPPENINGS}
