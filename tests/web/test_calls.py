"""A call's way in and out: what is taken, what is refused and how, what is answered."""

import json
import uuid

import pytest


def fields(answer):
    assert answer.status == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["code"] == "invalid_input"
    return {error["field"] for error in answer.json["errors"]}


def test_a_good_call_is_answered_with_the_operations_status_and_the_view(demo):
    answer = demo.post("/demo/b1/echo", {"text": "ab", "count": 2})
    assert answer.status == 201
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json["text"] == "abab"
    assert answer.json["actor"] == "somebody"
    assert uuid.UUID(answer.json["command"]).version == 7


def test_nothing_to_answer_is_204_without_a_body(demo):
    answer = demo.post("/demo/b1/bodyless")
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (204, b"", None)


def test_a_stored_answer_is_returned_as_it_is_and_marked(demo):
    answer = demo.post("/demo/b1/replay", headers={"Idempotency-Key": "k"})
    assert (answer.status, answer.body) == (201, b'{"stored": true}')
    assert answer.headers["Idempotent-Replayed"] == "true"


def test_wrong_fields_are_named(demo):
    assert fields(demo.post("/demo/b1/echo", {"text": 1, "cuont": 2})) == {"text", "cuont"}


@pytest.mark.parametrize("body", ["", "{", "[]", '"x"', "null", '{"text": "x"', "\x00", '{"text": "\\ud800"}'])
def test_a_body_that_is_no_json_object_of_the_model_is_422(demo, body):
    headers = {"Content-Type": "application/json"}
    answer = demo.post("/demo/b1/echo", body.encode(), headers=headers)
    assert fields(answer)


@pytest.mark.parametrize(
    ("body", "field"),
    [({"text": "a\0b"}, "text"), ({"text": ["a", {"b": "\0"}]}, "text.1.b"), ({"a\0b": 1}, "body"), ("\0", "body")],
)
def test_a_field_with_a_nul_is_named(demo, body, field):
    assert fields(
        demo.post("/demo/b1/echo", json.dumps(body).encode(), headers={"Content-Type": "application/json"})
    ) == {field}


def test_deeply_nested_json_is_refused(demo):
    body = b"[" * 100_000 + b"]" * 100_000
    assert fields(demo.post("/demo/b1/echo", body, headers={"Content-Type": "application/json"}))


@pytest.mark.parametrize("body", [None, b"", {}])
def test_an_empty_body_is_fine_where_every_field_has_a_default(demo, body):
    assert demo.post("/demo/b1/optional", body).json["text"] == "nothing"


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_415(demo, content_type):
    answer = demo.post("/demo/b1/echo", b'{"text": "x"}', headers={"Content-Type": content_type})
    assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")
    assert answer.json["accepted"] == ["application/json"]


def test_a_charset_is_part_of_the_content_type(demo):
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert demo.post("/demo/b1/echo", '{"text": "叫号"}'.encode(), headers=headers).json["text"] == "叫号"


@pytest.mark.parametrize("content_type", ["application/cloudevents+json", "application/cloudevents-batch+json"])
def test_a_call_without_a_model_gets_the_bytes_of_its_own_content_types(demo, content_type):
    answer = demo.post("/v1/events", b"abc", headers={"Content-Type": content_type})
    assert (answer.status, answer.json) == (202, {"accepted": 3, "duplicates": 0})
    assert demo.post("/v1/events", b"abc", headers={"Content-Type": "text/plain"}).status == 415


@pytest.mark.parametrize("branch", ["B1", "-b", "b_1", "b1%0A", "%E5%88%86%E8%A1%8C", "b" * 33])
def test_a_branch_that_cannot_be_one_is_422_and_named(demo, branch):
    assert fields(demo.get(f"/demo/{branch}/any", headers=demo.bearer(branches=("*",)))) == {"b"}


@pytest.mark.parametrize("date", ["2026-1-1", "2026-13-01", "20260101", "today", "0001-01-01", "9999-12-31"])
def test_a_date_that_is_none_is_422_and_named(demo, date):
    assert fields(demo.get(f"/v1/branches/b1/worklog/{date}")) == {"date"}


def test_a_date_is_parsed(demo):
    assert demo.get("/v1/branches/b1/worklog/1999-02-01").json["text"] == "1999"


@pytest.mark.parametrize("query", ["lang=fr", "lang=en&lang=en", "language=en"])
def test_a_query_that_does_not_fit_is_422(demo, query):
    assert fields(demo.get(f"/v1/branches/b1/worklog/1999-02-01?{query}")) <= {"lang", "language"}


@pytest.mark.parametrize("id_", ["a%00b", "a%0Ab", "x" * 129])
def test_an_id_with_control_characters_or_without_end_is_422(demo, id_):
    assert fields(demo.post(f"/demo/b1/fail/{id_}")) == {"id"}


def test_an_unknown_address_is_404(demo):
    answer = demo.get("/v1/nothing/here")
    assert (answer.status, answer.json["code"], answer.json["instance"]) == (404, "not_found", "/v1/nothing/here")


@pytest.mark.parametrize(("path", "allowed"), [("/demo/b1/echo", {"POST"}), ("/healthz", {"GET", "HEAD"})])
def test_a_wrong_method_is_405_and_told_the_right_one(demo, path, allowed):
    answer = demo.request("PUT", path)
    assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_head_is_get_without_the_body(demo):
    answer = demo.request("HEAD", "/demo/b1/any")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0


def test_a_problem_has_the_members_of_rfc_9457(demo):
    answer = demo.get("/v1/nothing")
    assert answer.json["status"] == answer.status
    assert answer.json.keys() >= {"type", "title", "status", "detail", "instance", "code"}


def test_the_fingerprint_tells_requests_apart(demo):
    def fingerprint(path="/demo/b1/echo", text="x", **scope):
        return demo.post(path, {"text": text}, headers=demo.bearer(branches=("*",), **scope)).json["fingerprint"]

    first = fingerprint()
    assert first == fingerprint()
    different = {fingerprint(text="y"), fingerprint("/demo/b2/echo"), fingerprint(subject="another")}
    assert len(different | {first}) == 4


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tinside", "é"])
def test_a_key_that_is_not_printable_or_too_long_is_422(demo, key):
    answer = demo.post("/demo/b1/optional", headers={"Idempotency-Key": key.encode("latin-1")})
    assert fields(answer) == {"Idempotency-Key"}


def test_a_key_reaches_the_command(demo):
    headers = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"', **demo.bearer(branches=("elsewhere",))}
    answer = demo.post("/demo/lookup/1", headers=headers)
    assert answer.json["fingerprint"] == '"8e03978e-40d5-43dd-bc93-6894a57f9324"'


def test_many_requests_go_over_one_connection(demo):
    connection = demo.connect()
    sockets = set()
    for path in ("/demo/b1/any", "/v1/nothing", "/demo/b1/any"):
        connection.request("GET", path, headers=demo.bearer())
        connection.getresponse().read()
        sockets.add(connection.sock)
    assert len(sockets) == 1
    assert None not in sockets
    connection.close()


def test_a_trace_goes_on_with_a_span_of_our_own(demo):
    sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    got = demo.get("/demo/b1/any", headers={"traceparent": sent}).headers["traceparent"]
    assert got.split("-")[1] == sent.split("-")[1]
    assert got.split("-")[2] != sent.split("-")[2]


@pytest.mark.parametrize("sent", ["", "nonsense", "00-" + "0" * 32 + "-b7ad6b7169203331-01", "ff-" + "a" * 32])
def test_a_trace_that_is_none_is_begun_anew(demo, sent):
    got = demo.get("/demo/b1/any", headers={"traceparent": sent}).headers["traceparent"]
    assert int(got.split("-")[1], 16) > 0


def test_a_call_is_logged_with_what_became_known_of_it(demo):
    answer = demo.post("/demo/b1/echo", {"text": "logged"})
    line = next(entry for entry in reversed(demo.log) if entry.get("causation") == answer.json["command"])
    assert line["event"] == "http_request"
    assert (line["method"], line["route"], line["status"]) == ("POST", "/demo/{b}/echo", 201)
    assert (line["service"], line["branch"], line["correlation"]) == ("triage", "b1", "visit-1")
    assert line["traceparent"] == answer.headers["traceparent"]
    assert line["ms"] > 0
    assert "logged" not in json.dumps(line)
