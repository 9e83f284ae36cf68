"""worklog as its callers see it: the real service in a process of its own (W1, W3, W7, W8, W10)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.storage import Storage, open_storage
from shared.web.tokens import issue_token
from tests.support.one_service import Running, one_service
from tests.support.processes import wait_until
from tests.support.tables import empty_database
from tests.worklog.happened import Happened

CHINA = timezone(timedelta(hours=8))
CHECKS = {"kind": "opening", "results": [{"item": "queue_terminal", "ok": False, "finding": "no paper"}]}


def today() -> str:
    return datetime.now(CHINA).date().isoformat()


def path(branch: str, *rest: str) -> str:
    return "/".join((f"/v1/branches/{branch}/worklog", today(), *rest))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Triage has said something before worklog is started: it has to catch up."""
    folder = tmp_path_factory.mktemp("worklog")
    settings = Settings(data_dir=folder)
    empty_database(settings, "triage")
    triage = open_storage(settings, "triage")
    _say_visits(triage, "busy", ended=2, open_=1)
    _say_visits(triage, "other", ended=1)
    _say_forgotten(triage, "forgotten")
    triage.close()
    with one_service("worklog", folder) as running:
        wait_until(lambda: _day(running, "busy")["events"] == 7, within_s=20, what="worklog has caught up")
        wait_until(lambda: _day(running, "forgotten")["events"] == 2, within_s=20, what="and with the other branch")
        yield running


def _say_visits(triage: Storage, branch: str, *, ended: int, open_: int = 0) -> None:
    happened = Happened(branch, datetime.now(UTC) - timedelta(seconds=30))
    day = datetime.now(CHINA).date()
    with triage.transaction(branch) as tx:
        for n in range(ended):
            visit = f"{branch}-{n}"
            for event in (happened.issued(visit, day=day), happened.called(visit, day=day),
                          happened.ended(visit, day=day)):  # fmt: skip
                tx.append_event(event, own=True)
        for n in range(open_):
            tx.append_event(happened.issued(f"{branch}-open-{n}", day=day), own=True)


def _say_forgotten(triage: Storage, branch: str) -> None:
    happened = Happened(branch, datetime.now(UTC) - timedelta(seconds=30))
    day = datetime.now(CHINA).date()
    with triage.transaction(branch) as tx:
        tx.append_event(happened.issued("f-1", day=day), own=True)
        tx.append_event(happened.ended("f-1", "left", day=day, reason="day_end"), own=True)


def _day(service: Running, branch: str) -> dict:
    answer = service.call("GET", path(branch), branch=branch)
    assert answer.status == 200
    return answer.json


def test_the_log_of_a_day_is_what_the_services_said(service: Running) -> None:
    view = _day(service, "busy")
    assert (view["visits"], view["served"], view["in_progress"], view["promises"]) == (3, 2, 1, 2)
    assert [(c["channel"], c["visits"]) for c in view["channels"]] == [("counter", 3)]


def test_a_day_that_its_end_had_to_close_says_so(service: Running) -> None:
    exact = _day(service, "busy")
    assert (exact["inexact"], exact["inexact_because"]) == (False, [])
    view = _day(service, "forgotten")
    assert (view["visits"], view["left"], view["inexact"]) == (1, 1, True)
    (why,) = view["inexact_because"]
    assert (why["why"], why["visits"], why["figures"]) == ("day_end", 1, ["served", "left"])
    assert "日终" in why["zh"]


def test_checks_notes_and_the_signature(service: Running) -> None:
    made = service.call("POST", path("b1", "checks"), CHECKS, branch="b1", role="lobby_manager")
    assert (made.status, made.json["by"], made.json["results"][0]["finding"]) == (201, "lobby_manager-1", "no paper")
    note = service.call("POST", path("b1", "notes"), {"text": "平静"}, branch="b1", role="lobby_manager")
    assert (note.status, note.json["kind"]) == (201, "summary")
    closed = service.call("POST", path("b1", "close"), branch="b1", role="lobby_manager")
    assert (closed.status, closed.json["state"], closed.json["signed_by"]) == (200, "closed", "lobby_manager-1")
    for rest, body in (("checks", CHECKS), ("notes", {"text": "later"}), ("close", None)):
        refused = service.call("POST", path("b1", rest), body, branch="b1", role="lobby_manager")
        assert (refused.status, refused.json["code"]) == (409, "day_closed")
    wait_until(lambda: _day(service, "b1")["events"] == 3, within_s=20, what="worklog hears what it said")
    view = _day(service, "b1")
    assert (len(view["checks"]), len(view["notes"]), view["state"]) == (1, 1, "closed")


def test_a_day_with_visits_in_progress_is_not_signed(service: Running) -> None:
    refused = service.call("POST", path("busy", "close"), branch="busy", role="lobby_manager")
    assert (refused.status, refused.json["code"], refused.json["in_progress"]) == (409, "visits_in_progress", 1)


def test_a_check_sent_twice_is_one_check(service: Running) -> None:
    first, again = (service.call("POST", path("b2", "checks"), CHECKS, branch="b2", key="same") for _ in range(2))
    assert (first.status, again.status, first.json) == (201, 201, again.json)
    assert len(_day(service, "b2")["checks"]) == 1


@pytest.mark.parametrize(
    ("rest", "body"),
    [
        ("checks", {"kind": "opening", "results": []}),
        ("checks", {"kind": "opening", "results": [{"item": "nothing", "ok": True}]}),
        ("notes", {"text": ""}),
        ("notes", {"text": "x", "colour": "red"}),
    ],
)
def test_input_that_is_not_valid_is_refused(service: Running, rest: str, body: object) -> None:
    refused = service.call("POST", path("b3", rest), body, branch="b3")
    assert (refused.status, refused.json["code"]) == (422, "invalid_input")


def test_a_date_that_is_none_is_refused(service: Running) -> None:
    refused = service.call("GET", "/v1/branches/b3/worklog/2026-02-30", branch="b3")
    assert refused.status in (404, 422)


@pytest.mark.parametrize(
    ("field", "value"),
    [("from", "0001-01-01T00:00:00%2B23:00"), ("to", "9999-12-31T23:59:59-23:00"), ("after", "99999999999999999999")],
)
def test_a_search_of_the_journal_beyond_all_bounds_is_refused(service: Running, field: str, value: str) -> None:
    refused = service.call("GET", f"/v1/journal?branch=b3&{field}={value}", branch="b3")
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, field)


def test_another_branchs_log_is_not_to_be_read(service: Running) -> None:
    assert service.call("GET", path("busy"), branch="b3").status == 403
    assert service.call("POST", path("busy", "notes"), {"text": "x"}, branch="b3").status == 403
    assert service.call("GET", "/v1/journal?branch=busy", branch="b3").status == 403
    assert service.call("GET", "/v1/journal/verify?branch=busy", branch="b3").status == 403


def test_the_journal_is_searched_page_by_page(service: Running) -> None:
    first = service.call("GET", "/v1/journal?branch=busy&type=lobby.triage.*&limit=4", branch="busy", role="auditor")
    assert (first.status, len(first.json["entries"])) == (200, 4)
    rest = service.call("GET", f"/v1/journal?branch=busy&after={first.json['next_after']}", branch="busy")
    assert (len(rest.json["entries"]), rest.json["next_after"]) == (3, None)
    entries = [*first.json["entries"], *rest.json["entries"]]
    assert {entry["event"]["branchid"] for entry in entries} == {"busy"}
    assert entries[-1]["hash"] == _day(service, "busy")["journal_hash"]


def test_verify_covers_what_the_token_covers(service: Running) -> None:
    mine = service.call("GET", "/v1/journal/verify", branch="other", role="auditor").json
    assert (mine["ok"], mine["chains"], mine["events"]) == (True, 1, 3)
    everything = service.call("GET", "/v1/journal/verify", branch="*", role="auditor").json
    assert everything["ok"]
    assert everything["chains"] >= 2
    assert everything["events"] >= 10


@pytest.mark.parametrize(
    ("accept", "lang", "media_type", "words"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "zh-CN", "text/html", "大堂经理工作日志"),
        ("text/html", "en", "text/html", "<html lang=\"en\""),
        ("*/*", "zh-CN", "application/json", '"visits":3'),
        ("application/json", "zh-CN", "application/json", '"visits":3'),
        ("application/json;q=0.5, text/html;q=0.9", "en", "text/html", "<html"),
        ("application/pdf", "en", "application/json", '"visits":3'),
    ],
)  # fmt: skip
def test_the_log_comes_as_the_reader_prefers(
    service: Running, accept: str, lang: str, media_type: str, words: str
) -> None:
    response, body = _get(service, f"{path('busy')}?lang={lang}", accept)
    assert response.status == 200
    assert response.headers["Content-Type"].split(";")[0] == media_type
    assert "Accept" in response.headers["Vary"]
    assert words in body


def _get(service: Running, address: str, accept: str) -> tuple[HTTPResponse, str]:
    token = issue_token(service.settings, roles=["auditor"], branches=["busy"])
    connection = HTTPConnection("127.0.0.1", service.port, timeout=10)
    connection.request("GET", address, headers={"Authorization": f"Bearer {token}", "Accept": accept})
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response, body


def test_a_restart_goes_on_where_it_ended(tmp_path: Path) -> None:
    """Nothing is recorded twice when the logs are read again from their beginning."""
    settings = Settings(data_dir=tmp_path)
    empty_database(settings, "triage")
    triage = open_storage(settings, "triage")
    _say_visits(triage, "b", ended=2)
    for _ in range(2):
        with one_service("worklog", tmp_path) as running:
            wait_until(lambda: _day(running, "b")["events"] == 6, within_s=20, what="worklog has caught up")
            assert (_day(running, "b")["served"], running.call("GET", "/v1/journal/verify", branch="b").json["ok"]) == (
                2, True,
            )  # fmt: skip
    _say_visits(triage, "c", ended=1)
    triage.close()
    with one_service("worklog", tmp_path) as running:
        wait_until(lambda: _day(running, "c")["events"] == 3, within_s=20, what="worklog has caught up")
        assert _day(running, "b")["events"] == 6
