"""What happens in a run: shifts, patience, closed doors, and the books that it keeps."""

from datetime import UTC, time, timedelta

import pytest

from services.ops.experiments.policy_comparison.customers import Arrival
from services.ops.experiments.policy_comparison.engine import Crew, run
from services.ops.experiments.policy_comparison.figures import Run
from services.ops.experiments.policy_comparison.staffing import Staffing
from services.triage.policy import Policy
from services.triage.policy_file import default
from shared.contracts.events.terminal import TicketRequest
from shared.contracts.events.types import Customer
from tests.experiments.queues import FIFO, START, arrival

HOUR = 3600.0


def outcomes(result: Run) -> list[tuple[str, float] | None]:
    return [None if fate is None else (fate.outcome, fate.waited_s) for fate in result.fates]


def play(arrivals: list[Arrival], staffing: Staffing, policy: Policy = FIFO, **speeds: float) -> Run:
    return run(policy, UTC, arrivals, Crew(staffing=staffing, speeds=speeds))


def shifts(*changes: tuple[int, int]) -> Staffing:
    """So many counters from an hour on."""
    return Staffing(shifts={time(hour): {str(n): ("counter", "green") for n in range(1, k + 1)} for hour, k in changes})


def test_nobody_comes() -> None:
    result = play([], Staffing.always(2))
    assert (result.fates, result.events) == ([], 0)


def test_who_loses_patience_leaves_then_and_who_is_called_in_time_does_not() -> None:
    result = play([arrival(0, 100), arrival(1, 10, 60), arrival(2, 10, 99), arrival(3, 10, 90)], Staffing.always(1))
    assert outcomes(result) == [("served", 0), ("left", 60), ("served", 98), ("left", 90)]


def test_a_counter_that_is_fast_serves_faster() -> None:
    result = play([arrival(0, 100), arrival(0.001, 100)], Staffing.always(1), **{"1": 2.0})
    assert result.fates[1] is not None
    assert result.fates[1].waited_s == pytest.approx(50 - 0.001)


def test_a_shift_that_ends_finishes_whom_it_serves_and_the_doors_close_on_who_waits() -> None:
    nine = 9 * HOUR
    came = [
        arrival(nine - 60, 10),
        arrival(nine, 4000),
        arrival(nine, 4000),
        arrival(nine + 10, 10),
        arrival(nine + HOUR, 10),
    ]
    result = play(came, shifts((9, 2), (10, 0)))
    assert outcomes(result) == [None, ("served", 0), ("served", 0), ("left", HOUR - 10), None]
    assert result.refused == {"closed": 2}
    load = result.loads["1"]
    assert (load.busy_s, load.open_s, load.served) == (4000, 4000, 1)


def test_another_counter_opens_for_who_waits() -> None:
    result = play([arrival(9 * HOUR, 2 * HOUR), arrival(9 * HOUR + 1, 10)], shifts((9, 1), (10, 2), (17, 0)))
    assert outcomes(result) == [("served", 0), ("served", HOUR - 1)]


def test_a_counter_serves_its_own_channels_only() -> None:
    staffing = Staffing(shifts={time(0): {"1": ("vip",)}})
    result = play([arrival(0, 10, 30), arrival(5, 10, tier="platinum")], staffing, default().of().policy)
    assert outcomes(result) == [("left", 30), ("served", 0)]


def test_who_is_guided_to_a_device_is_served_there() -> None:
    request = TicketRequest(business="query", customer=Customer(age=30))
    result = play([Arrival(at=START, request=request, service_s=20)], Staffing.always(1), default().of().policy)
    (fate,) = result.fates
    assert fate is not None
    assert (fate.channel, fate.outcome) == ("self_service", "served")
    assert result.loads["atm-1"].served + result.loads["crs-1"].served + result.loads["kiosk-1"].served == 1


def test_a_business_that_is_not_offered_gets_no_ticket() -> None:
    request = TicketRequest(business="haircut", customer=Customer())
    result = play([Arrival(at=START, request=request, service_s=20)], Staffing.always(1))
    assert (result.fates, result.refused) == ([None], {"unknown_business": 1})


def test_every_overtaking_is_counted_and_none_beyond_the_cap() -> None:
    """Twenty urgent customers come after a plain one; ten of them are called before it, as policy allows."""
    policy = default().of().policy
    urgent = TicketRequest(business="account_service", customer=Customer(urgent=True))
    came = [arrival(0, 100), arrival(1, 10)]
    came += [Arrival(at=START + timedelta(seconds=2 + n), request=urgent, service_s=10) for n in range(20)]
    most = policy.max_overtakes
    result = play(came, Staffing.always(1), policy)
    assert [fate.overtaken for fate in result.fates if fate] == [0, most, *[0] * 20]
    assert result.fates[1] is not None
    assert result.fates[1].waited_s == 99 + most * 10
