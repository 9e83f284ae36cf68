"""A changed copy is what the standard library's would be."""

import dataclasses

import pytest

from services.triage.model.records import replace
from tests.triage.visits import brought


def test_a_copy_is_the_one_that_dataclasses_make() -> None:
    ticket = brought("serving").tickets[0]
    copy = replace(ticket, state="held", counter=None)
    assert copy == dataclasses.replace(ticket, state="held", counter=None)
    assert (ticket.state, copy.state) == ("serving", "held")
    assert hash(copy) == hash(dataclasses.replace(copy))
    with pytest.raises(dataclasses.FrozenInstanceError):
        copy.state = "left"  # type: ignore[misc]


def test_a_field_that_does_not_exist_is_refused() -> None:
    with pytest.raises(TypeError, match="stat"):
        replace(brought("serving"), stat="held")  # type: ignore[call-arg]
