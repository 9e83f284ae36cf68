"""The commands that look at the running system, and those that decide: against an address that answers as told."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from services.ops.cli.main import main

LETTER = {
    "id": "d1", "service": "triage", "queue": "lobby.triage.0-of-4", "code": "invalid_data", "reason": "data: no",
    "attempts": 1, "state": "parked", "at": "2026-11-24T09:00:00Z", "branch": "demo", "type": None, "body": "{}",
}  # fmt: skip


class Answers(BaseHTTPRequestHandler):
    """What is said at each path, and what was asked."""

    says: ClassVar[dict[str, tuple[int, Any]]] = {}
    asked: ClassVar[list[tuple[str, str, dict[str, str]]]] = []

    def _answer(self) -> None:
        self.asked.append((self.command, self.path, dict(self.headers)))
        status, body = self.says.get(
            self.path.partition("?")[0], (404, {"code": "not_found", "detail": "no such thing"})
        )
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def origin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    Answers.says, Answers.asked = {}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("LOBBY_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("LOBBY_ORIGIN", f"http://127.0.0.1:{server.server_port}")
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.usefixtures("origin")
def test_an_intact_journal_is_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    """Words for people, the answer itself for programs."""
    says = {"ok": True, "chains": 2, "events": 12, "broken": []}
    Answers.says["/v1/journal/verify"] = (200, says)
    assert main(["journal", "verify", "--branch", "demo"]) == 0
    assert capsys.readouterr().out == "2 chains, 12 events: intact\n"
    assert Answers.asked[0][1] == "/v1/journal/verify?branch=demo"
    assert main(["journal", "verify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == says


@pytest.mark.usefixtures("origin")
def test_a_broken_journal_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    """And every place is named."""
    says = {"ok": False, "chains": 1, "events": 9, "broken": ["demo 2026-11-24 position 4: the hash differs"]}
    Answers.says["/v1/journal/verify"] = (200, says)
    assert main(["journal", "verify"]) == 1
    assert "demo 2026-11-24 position 4" in capsys.readouterr().out


@pytest.mark.usefixtures("origin")
def test_dead_letters_are_listed_with_their_reason(capsys: pytest.CaptureFixture[str]) -> None:
    """As a table, or as the answer itself."""
    Answers.says["/v1/dead-letters"] = (200, {"dead_letters": [LETTER]})
    assert main(["dead-letters", "list", "--state", "parked", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"dead_letters": [LETTER]}
    assert Answers.asked[0][1] == "/v1/dead-letters?state=parked&limit=200"
    assert main(["dead-letters", "list"]) == 0
    out = capsys.readouterr().out
    assert "d1" in out
    assert "triage" in out
    Answers.says["/v1/dead-letters"] = (200, {"dead_letters": []})
    assert main(["dead-letters", "list"]) == 0
    assert capsys.readouterr().out == "no dead letters\n"


@pytest.mark.usefixtures("origin")
def test_each_decision_has_a_key_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """So that a proxy that repeats it decides nothing twice."""
    for id_ in ("d1", "d2"):
        Answers.says[f"/v1/dead-letters/{id_}/retry"] = (202, {**LETTER, "id": id_, "state": "retried"})
    assert main(["dead-letters", "retry", "d1", "d2"]) == 0
    assert capsys.readouterr().out == "d1: retried\nd2: retried\n"
    assert len({headers["Idempotency-Key"] for _, _, headers in Answers.asked}) == 2


@pytest.mark.usefixtures("origin")
def test_a_problem_is_one_line_with_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1: the command was right, the system says no."""
    assert main(["dead-letters", "discard", "d9"]) == 1
    assert capsys.readouterr().err == "lobby: not_found: no such thing (HTTP 404)\n"
    Answers.says["/v1/journal/verify"] = (502, b"<html>")
    assert main(["journal", "verify"]) == 1
    assert capsys.readouterr().err == "lobby: HTTP 502 Bad Gateway\n"


@pytest.mark.usefixtures("origin")
def test_a_work_log_is_exported_as_it_is(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """JSON or HTML, to standard output or a file, in the language that was asked for."""
    Answers.says["/v1/branches/demo/worklog/2026-11-24"] = (200, "<p>大堂</p>".encode())
    export = ["worklog", "export", "--branch", "demo", "--date", "2026-11-24"]
    assert main([*export, "--format", "html", "--lang", "en"]) == 0
    assert capsysbinary.readouterr().out == "<p>大堂</p>\n".encode()
    assert main([*export, "--out", str(tmp_path / "log.json")]) == 0
    assert (tmp_path / "log.json").read_bytes() == "<p>大堂</p>".encode()
    (html, json_) = Answers.asked
    assert (html[1].partition("?")[2], html[2]["Accept"]) == ("lang=en", "text/html")
    assert (json_[1].partition("?")[2], json_[2]["Accept"]) == ("lang=zh-CN", "application/json")


def test_the_token_that_is_given_is_the_one_that_is_used(origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """--token before LOBBY_TOKEN before one that is signed here."""
    Answers.says["/v1/journal/verify"] = (200, {"ok": True, "chains": 0, "events": 0, "broken": []})
    main(["journal", "verify", "--origin", origin])
    monkeypatch.setenv("LOBBY_TOKEN", "of-the-environment")
    main(["journal", "verify"])
    main(["journal", "verify", "--token", "given"])
    signed, environment, given = (headers["Authorization"] for _, _, headers in Answers.asked)
    assert signed.count(".") == 2
    assert (environment, given) == ("Bearer of-the-environment", "Bearer given")
