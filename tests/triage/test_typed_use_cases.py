"""A wrong or missing keyword between a service and a use case is a type error, which ``make check`` finds."""

import subprocess
import sys
from pathlib import Path

import pytest

CALL = """
from services.triage import handlers
from services.triage.lobbies import Lobbies
from shared.contracts.http.triage import TakeTicket
from shared.web.branches import Answer
from shared.web.request_context import Call


def take_ticket(lobbies: Lobbies, call: Call, request: TakeTicket) -> Answer:
    return lobbies.carry_out(call, lambda uow: handlers.take_ticket(uow, {given}))
"""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("request=request", "Success"),
        ("requst=request", 'Unexpected keyword argument "requst"'),
        ("request=request, nonsense=1", 'Unexpected keyword argument "nonsense"'),
        ("", 'Missing named argument "request"'),
        ("request=1", "incompatible type"),
    ],
)
def test_mypy_checks_what_a_service_hands_to_a_use_case(tmp_path: Path, given: str, said: str) -> None:
    file = tmp_path / "service.py"
    file.write_text(CALL.format(given=given), "utf-8")
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(file)],
        capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert said in found.stdout, found.stdout + found.stderr
