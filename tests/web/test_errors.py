"""What goes wrong in a service reaches the caller as a problem, and nobody as a secret."""

import json

from tests.web.demo_secret import SECRET


def test_an_expected_error_is_a_problem_with_its_own_members(demo):
    answer = demo.post("/demo/b1/fail/conflict")
    assert (answer.status, answer.json["code"]) == (409, "conflict")
    assert (answer.json["state"], answer.json["allowed"]) == ("served", ["complete"])
    assert answer.json["detail"] == "the ticket is served"


def test_a_bug_is_500_with_an_id_and_never_its_text(demo):
    answer = demo.post("/demo/b1/fail/bug")
    assert (answer.status, answer.json["code"]) == (500, "internal_error")
    whole = answer.body.decode() + str(answer.headers)
    assert SECRET not in whole
    assert "hunter2" not in whole
    assert "Traceback" not in whole


def test_the_id_finds_the_bug_in_the_log(demo):
    error_id = demo.post("/demo/b1/fail/bug").json["error_id"]
    entries = [entry for entry in demo.log if entry.get("error_id") == error_id]
    assert len(entries) == 1
    assert entries[0]["level"] == "error"
    assert "RuntimeError" in entries[0]["exception"]
    assert (entries[0]["service"], entries[0]["branch"]) == ("triage", "b1")


def test_a_bug_is_logged_once(demo):
    before = sum("RuntimeError: cannot reach" in json.dumps(entry) for entry in demo.log)
    demo.post("/demo/b1/fail/bug")
    assert sum("RuntimeError: cannot reach" in json.dumps(entry) for entry in demo.log) == before + 1


def test_a_database_that_is_away_is_503_and_says_when_to_come_back(demo):
    answer = demo.post("/demo/b1/fail/database")
    assert (answer.status, answer.json["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert "hunter2" not in answer.body.decode()


def test_no_answer_where_there_must_be_one_is_a_bug(demo):
    assert demo.post("/demo/b1/fail/nothing").status == 500


def test_the_process_goes_on_after_bugs(demo):
    for _ in range(20):
        demo.post("/demo/b1/fail/bug")
    assert demo.get("/demo/b1/any").status == 200
