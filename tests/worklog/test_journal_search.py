"""Whatever is asked, the journal gives what fits: all of it, in the order in which it came (W10)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.contracts.envelope import Event
from tests.worklog.happened import MORNING, Happened
from tests.worklog.office import Office

_branches = count(1)
_HOURS = st.integers(0, 96).map(lambda hours: MORNING + timedelta(hours=hours))
_TYPES = st.sampled_from([None, "*", "lobby.triage.*", "lobby.triage.ticket_issued.v1", "lobby.vip.*", "lobby.never.*"])


@st.composite
def told(draw: st.DrawFn) -> list[tuple[datetime, timedelta, str]]:
    """When events happened, how much later they were recorded, and of which kind they are, in the order of coming."""
    late = st.sampled_from([timedelta(), timedelta(minutes=1), timedelta(days=2), -timedelta(minutes=5)])
    one = st.tuples(_HOURS, late, st.sampled_from(["issued", "opened", "arrived"]))
    return draw(st.lists(one, min_size=1, max_size=14))


def receive(office: Office, branch: str, events: Sequence[tuple[datetime, timedelta, str]]) -> None:
    happened = Happened(branch)
    said: list[Event] = []
    for number, (at, late, kind) in enumerate(events):
        happened.at = at
        subject = f"{branch}-{number}"
        match kind:
            case "issued":
                said.append(happened.issued(subject))
            case "opened":
                said.append(happened.counter_opened(subject))
            case _:
                said.append(happened.vip_arrived(subject))
        said[-1] = said[-1].model_copy(update={"recordedtime": at + late})
    office.hear_singly(said)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(events=told(), begin=st.none() | _HOURS, end=st.none() | _HOURS, type_=_TYPES, limit=st.integers(1, 6))
def test_a_search_page_by_page_finds_what_a_look_at_everything_finds(
    office: Office,
    events: list[tuple[datetime, timedelta, str]],
    begin: datetime | None,
    end: datetime | None,
    type_: str | None,
    limit: int,
) -> None:
    branch = f"b{next(_branches)}"
    receive(office, branch, events)
    everything = office.search(branch=branch, limit=1000).entries
    assert len(everything) == len(events)
    asked = {"from": begin, "to": end, "type": type_}
    query = {name: value for name, value in asked.items() if value is not None}
    wanted = [
        entry.position
        for entry in everything
        if (begin is None or datetime.fromisoformat(str(entry.event["time"])) >= begin)
        and (end is None or datetime.fromisoformat(str(entry.event["time"])) <= end)
        and fnmatchcase(str(entry.event["type"]), type_ or "*")
    ]
    found: list[int] = []
    after: int | None = 0
    while after is not None:
        page = office.search(branch=branch, limit=limit, after=after, **query)
        found += [entry.position for entry in page.entries]
        after = page.next_after
    assert found == wanted
    assert office.verify(branch).ok


def test_a_day_that_was_heard_of_after_later_ones_is_found_behind_them(office: Office) -> None:
    """What a terminal told two days late came before what a service told of that day, and another day lies between."""
    branch = f"b{next(_branches)}"
    monday, tuesday, at_once = MORNING, MORNING + timedelta(days=1), timedelta()
    late = timedelta(days=2)
    receive(office, branch, [(monday, late, "issued"), (tuesday, at_once, "issued"), (monday, at_once, "issued")])
    first, _, last = (entry.position for entry in office.search(branch=branch).entries)
    found = office.search(branch=branch, **{"from": monday, "to": monday + timedelta(hours=2)}).entries
    assert [entry.position for entry in found] == [first, last]
