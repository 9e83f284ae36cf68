"""Many counters call at the same time, over HTTP, on both databases: nobody is called twice (T7)."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.one_service import one_service
from tests.triage.test_service import Branch

COUNTERS = [str(n) for n in range(1, 9)]
CUSTOMERS = 40


@pytest.mark.parametrize("place", ["sqlite", "postgresql"])
def test_eight_counters_that_call_at_once_share_the_customers(
    request: pytest.FixtureRequest, place: str, tmp_path: Path
) -> None:
    database = {"LOBBY_DATABASE_URL": request.getfixturevalue("database_url")} if place == "postgresql" else {}
    with one_service("triage", tmp_path, **database) as service:
        branch = Branch(service, f"at-once-{place}")
        for counter in COUNTERS:
            branch.open(counter)
        with ThreadPoolExecutor(len(COUNTERS)) as pool:
            waiting = [ticket["ticket_id"] for ticket in pool.map(lambda _: branch.wait(), range(CUSTOMERS))]

            def work(counter: str) -> list[str]:
                called = []
                while (answer := branch.next(counter)).status == 200:
                    called.append(answer.json["ticket_id"])
                    assert branch.step(called[-1], "start").status == 200
                    assert branch.step(called[-1], "complete").status == 200
                assert answer.status == 204, answer.json
                return called

            called = [ticket_id for theirs in pool.map(work, COUNTERS) for ticket_id in theirs]
        assert sorted(called) == sorted(waiting)
        assert branch.queue()["served_today"] == CUSTOMERS


@pytest.mark.parametrize("place", ["sqlite", "postgresql"])
def test_one_ticket_that_eight_counters_call_by_its_number_goes_to_one(
    request: pytest.FixtureRequest, place: str, tmp_path: Path
) -> None:
    database = {"LOBBY_DATABASE_URL": request.getfixturevalue("database_url")} if place == "postgresql" else {}
    with one_service("triage", tmp_path, **database) as service:
        branch = Branch(service, f"one-{place}")
        for counter in COUNTERS:
            branch.open(counter)
        ticket = branch.wait()
        call = {"ticket_id": ticket["ticket_id"]}
        with ThreadPoolExecutor(len(COUNTERS)) as pool:
            answers = list(pool.map(lambda c: branch.post(f"{branch.path}/counters/{c}/call", call), COUNTERS))
        assert sorted(answer.status for answer in answers) == [200] + [409] * 7
        assert {answer.json["code"] for answer in answers if answer.status == 409} == {"illegal_transition"}
