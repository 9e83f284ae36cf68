"""Who may do what: every cell, said once more by hand, and asked of every service over HTTP."""

import json
from http.client import HTTPConnection
from pathlib import Path

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from services.gateway.pages import PAGES
from shared.contracts.http.catalog import OPERATIONS
from shared.contracts.http.operation import Operation
from shared.contracts.http.permissions import EVERYONE, LONGEST_LIFE, PERMISSIONS, longest_life, streamed_to
from shared.errors import Forbidden
from shared.settings import Settings
from shared.web.authentication import admit
from shared.web.tokens import TokenChecker, issue_token
from tests.support.one_service import one_service

LETTERS = {
    "T": "terminal", "t": "teller", "l": "lobby_manager", "c": "customer_manager", "s": "supervisor",
    "o": "operations", "a": "auditor", "d": "display",
}  # fmt: skip
CELLS = {
    "Ttlcs": "takeTicket ticketPrinted printFailed reprint leaseNumbers bookAppointments cancelAppointment vipArrive"
    " postEvents",
    "tlcs": "openCounter closeCounter callNext callNumber recall start complete noShow comeBack hold resume transfer"
    " left undo openIncident recordStep",
    "tlcsoa": "appointments fairness care vip roster incident incidentTimeline incidents worklog worklogPage",
    "Ttlcsoa": "ticket policy branches",
    "Ttlcsoad": "queue stream clock homePage dashboardPage staticFile signIn signOut",
    "lcs": "acceptHandoff declineHandoff completeHandoff",
    "Tls": "deviceStatus diversion",
    "ls": "cared setRoster closeIncident recordChecks addNote",
    "lsoa": "journal verifyJournal",
    "soa": "deadLetters",
    "s": "setPolicy clearPolicy amendIncident",
    "l": "closeDay",
    "o": "retryDeadLetter discardDeadLetter",
}
"""The roles' letters, and the operations that are theirs and nobody else's."""
MAY = {name: {LETTERS[letter] for letter in letters} for letters, names in CELLS.items() for name in names.split()}
PATH = {"b": "demo", "id": "none", "c": "1", "d": "atm-1", "t": "k1", "date": "2026-11-24"}
SERVICES = sorted({operation.service for operation in OPERATIONS})


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("keys"))


def test_the_table_has_a_row_for_every_operation_and_page_and_for_nothing_else() -> None:
    assert PERMISSIONS.keys() == {operation.name for operation in (*OPERATIONS, *PAGES)}
    assert all(operation.roles == PERMISSIONS[operation.name] for operation in (*OPERATIONS, *PAGES))


def test_an_operation_without_a_row_cannot_be_made() -> None:
    with pytest.raises(KeyError):
        Operation(name="newCall", service="triage", method="GET", path="/v1/new", summary="New.")


def test_an_auditor_and_a_display_change_nothing() -> None:
    for operation in OPERATIONS:
        if operation.method != "GET":
            assert not operation.roles & {"auditor", "display"}


@pytest.mark.parametrize("role", sorted(EVERYONE))
@pytest.mark.parametrize("operation", [*OPERATIONS, *PAGES], ids=lambda operation: operation.name)
def test_a_role_may_do_what_its_cell_says(keys: Settings, operation: Operation, role: str) -> None:
    token = issue_token(keys, roles=[role], branches=["*"])
    builder = EnvironBuilder(path="/", method=operation.method, headers={"Authorization": f"Bearer {token}"})
    request, checker = Request(builder.get_environ()), TokenChecker.of(keys)
    if role in MAY[operation.name]:
        assert admit(checker, operation, request).roles == {role}
    else:
        with pytest.raises(Forbidden):
            admit(checker, operation, request)


@pytest.mark.parametrize("service", SERVICES)
def test_every_cell_holds_over_http(service: str, tmp_path: Path) -> None:
    """Whom the table allows is refused for other reasons at most: no such id, no body, another's counter."""
    with one_service(service, tmp_path) as running:
        tokens = {role: issue_token(running.settings, roles=[role], branches=["*"]) for role in EVERYONE}
        for operation in OPERATIONS:
            if operation.service != service:
                continue
            for role, token in tokens.items():
                status, problem = _ask(running.port, operation, token)
                if role in MAY[operation.name]:
                    assert status not in (401, 429), (operation.name, role, status, problem)
                    assert status != 403 or problem["code"] == "not_at_counter", (operation.name, role, problem)
                else:
                    assert status == 403, (operation.name, role, status, problem)
                    assert set(problem["roles"]) == MAY[operation.name]


def _ask(port: int, operation: Operation, token: str) -> tuple[int, dict[str, object]]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    url = operation.url(**{name: PATH[name] for name in operation.parameters})
    try:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": operation.media_type}
        connection.request(operation.method, url, None if operation.method == "GET" else b"{}", headers)
        response = connection.getresponse()
        found = json.loads(response.read()) if response.status == 403 else {}
        return response.status, found
    finally:
        connection.close()


def test_each_role_has_a_longest_life_and_several_have_the_shortest() -> None:
    assert LONGEST_LIFE.keys() == EVERYONE
    assert longest_life(["terminal", "teller"]) == LONGEST_LIFE["teller"]


def test_only_displays_and_terminals_see_a_part_of_the_stream() -> None:
    part = {role for role in EVERYONE if streamed_to([role]) is not None}
    assert part == {"display", "terminal"}
    assert streamed_to(["display", "auditor"]) is None
    assert set(streamed_to(["display", "terminal"]) or ()) == {
        *(streamed_to(["display"]) or ()), *(streamed_to(["terminal"]) or ())
    }  # fmt: skip
