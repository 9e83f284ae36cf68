import pytest

from shared.clock import ManualClock
from shared.storage import Storage
from tests.worklog.office import Office


@pytest.fixture
def service_name() -> str:
    return "worklog"


@pytest.fixture
def office(storage: Storage, clock: ManualClock) -> Office:
    return Office(storage, clock)
