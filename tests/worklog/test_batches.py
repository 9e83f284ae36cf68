"""However the events are cut into messages and repeated, the database says the same in the end (W7, W10)."""

from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.worklog.office import Office
from tests.worklog.test_figures import figures_after, interleaved, visits

_branches = count(1)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_batches_with_any_repetition_leave_the_same_figures_and_a_whole_journal(
    office: Office, data: st.DataObject
) -> None:
    """The examples share a database, each in a branch of its own."""
    branch = f"b{next(_branches)}"
    streams = data.draw(visits(branch))
    said = data.draw(interleaved(streams))
    while said:
        cut = data.draw(st.integers(1, 8))
        office.receive(*said[:cut])
        said = said[cut:]
    (figures,) = figures_after([event for stream in streams for event in stream], 100).values()
    view = office.day(branch=branch)
    assert (view.visits, view.served, view.left, view.in_progress) == (
        figures.total.visits, figures.total.served, figures.total.left, figures.in_progress,
    )  # fmt: skip
    assert (view.mean_wait_s, view.max_wait_s) == (figures.total.mean_wait_s, figures.total.max_wait_s)
    assert (view.promises, view.promises_kept, view.no_shows, view.diverted) == (
        figures.promises, figures.promises_kept, figures.no_shows, figures.diverted,
    )  # fmt: skip
    assert view.events == sum(map(len, streams))
    assert office.verify(branch).ok
    assert office.dead_letters() == []
