"""The policy in force: an event in the branch's log, that routing, the line and a replay follow (T2, T3, T6, T12)."""

from pathlib import Path

import pytest

from services.triage.policy import Policy, route
from services.triage.policy_file import InvalidPolicy, digest_of, policy_of
from shared.clock import ManualClock
from shared.contracts.events import terminal, triage
from shared.contracts.http import triage as calls
from shared.storage import Storage
from tests.triage.lobby import BRANCH, Lobby, start

QUERY_IN_PERSON = "businesses: {query: {diversion: never, devices: []}}\n"


class Bank:
    """A bank's policy file, and a process that follows it once it is started."""

    def __init__(self, storage: Storage, clock: ManualClock, file: Path) -> None:
        self.storage = storage
        self.file = file
        self.lobby = Lobby(storage, clock)
        self.runs = False

    def says(self, text: str) -> None:
        """Write the file, and let a running process look at it."""
        self.file.write_text(text, "utf-8")
        self.look()

    def look(self) -> None:
        """Let a running process look at the file, as it does each second."""
        if self.runs:
            self.lobby.triage.service.follow_policy_file()

    def start(self, *, with_file: bool = True) -> None:
        """Begin a process."""
        self.lobby.triage = start(self.storage, self.file if with_file else None)
        self.runs = True
        self.look()

    def view(self, branch: str = BRANCH) -> calls.PolicyView:
        view: calls.PolicyView = self.lobby.triage.call(calls.POLICY, b=branch)
        return view

    def policy(self, branch: str = BRANCH) -> Policy:
        """Let the branch do something, and return the policy that it does it by."""
        self.lobby.device("clock", "atm", "down", branch=branch)
        return policy_of(self.view(branch).policy)

    def put(self, text: str, branch: str = BRANCH) -> calls.PolicyView:
        view: calls.PolicyView = self.lobby.triage.call(calls.SET_POLICY, text.encode(), b=branch)
        return view

    def reserve(self, business: str, **fields: object) -> calls.TicketTaken:
        """Take a ticket by the policy in force."""
        return self.lobby.take(business, **fields)

    def take(self, business: str, **fields: object) -> calls.TicketTaken:
        """Take a ticket and print it."""
        return self.lobby.wait(business, **fields)

    def changes(self, branch: str = BRANCH) -> list[triage.PolicyChanged]:
        return [event.data for event in self.lobby.events(f"policy:{branch}")]  # type: ignore[misc]


@pytest.fixture
def bank(storage: Storage, clock: ManualClock, tmp_path: Path) -> Bank:
    return Bank(storage, clock, tmp_path / "policy.yaml")


def test_a_branch_begins_with_its_policy_in_the_log_before_its_first_ticket(bank: Bank) -> None:
    bank.says("green_age: 60")
    bank.start()
    taken = bank.take("transfer", customer={"age": 61})
    first, issued = bank.lobby.log()[:2]
    assert first.type == "lobby.triage.policy_changed.v1"
    assert isinstance(issued.data, triage.TicketIssued)
    assert isinstance(first.data, triage.PolicyChanged)
    assert (first.data.version, first.data.source, first.data.by) == (1, "policy.yaml", None)
    assert (issued.data.policy_version, issued.data.policy_digest) == (1, first.data.digest)
    assert (taken.channel, taken.reasons[0].rule) == ("green", "green.age")


def test_the_policy_is_no_answer_to_the_request_that_it_comes_before(bank: Bank) -> None:
    """A terminal knows its answer by ``causationid``."""
    bank.says("green_age: 60")
    bank.start()
    request = bank.lobby.receive(terminal.TicketRequested(business="transfer", terminal_id="k1"))
    policy, issued = bank.lobby.log()
    assert (policy.causationid, issued.causationid) == (None, request.id)


def test_the_default_is_recorded_too_so_that_a_replay_needs_no_release(bank: Bank) -> None:
    bank.start(with_file=False)
    bank.take("transfer")
    (only,) = bank.changes()
    assert (only.source, policy_of(only.policy)) == ("default", bank.policy())


def test_a_file_that_changes_is_followed_at_once_and_the_event_says_what_differs(bank: Bank) -> None:
    bank.says("{}")
    bank.start()
    bank.lobby.device("atm-1", "atm", "up")
    assert bank.take("query").channel == "self_service"
    bank.says(QUERY_IN_PERSON)
    assert bank.take("query").channel == "counter"
    second = bank.changes()[-1]
    assert second.version == 2
    assert set(second.changed) == {"businesses.query.diversion", "businesses.query.devices"}


def test_the_small_withdrawal_is_each_branchs_own(bank: Bank) -> None:
    bank.says("small_withdrawal_minor: 1000\nbranches: {north: {small_withdrawal_minor: 500}}")
    bank.start()
    assert (bank.policy().small_withdrawal_minor, bank.policy("north").small_withdrawal_minor) == (1000, 500)
    bank.says("small_withdrawal_minor: 1000\nbranches: {north: {small_withdrawal_minor: 700}}")
    assert (bank.policy().small_withdrawal_minor, bank.policy("north").small_withdrawal_minor) == (1000, 700)
    assert [len(bank.changes()), len(bank.changes("north"))] == [1, 2]  # only the branch that it concerns


def test_the_same_file_and_a_file_that_says_the_same_change_nothing(bank: Bank) -> None:
    bank.says("green_age: 60")
    bank.start()
    bank.policy()
    bank.says("# the same, in more words\ngreen_age: 60\nlate_s: 129600\n")
    bank.start()
    assert bank.policy().green_age == 60
    assert len(bank.changes()) == 1


def test_a_file_that_is_wrong_is_reported_with_line_and_field_and_the_old_policy_goes_on(bank: Bank) -> None:
    bank.says("green_age: 60")
    bank.start()
    bank.policy()
    bank.says("green_age: 60\nbusinesses:\n  query:\n    channel: conter\n")
    assert bank.view().problem == (
        "policy.yaml:4: businesses.query.channel: 'conter' is not a channel; did you mean counter?"
    )
    assert bank.policy().green_age == 60
    bank.says("green_age: 55")
    assert bank.view().problem is None
    assert bank.policy().green_age == 55


def test_a_process_that_starts_with_a_wrong_file_goes_on_with_the_policy_of_the_log(bank: Bank) -> None:
    bank.says("green_age: 60")
    bank.start()
    bank.policy()
    bank.says("green_age: sixty")
    bank.start()
    assert bank.view().problem is not None
    assert bank.policy().green_age == 60
    assert len(bank.changes()) == 1
    bank.says("green_age: 61")
    assert bank.policy().green_age == 61


def test_a_file_that_is_gone_is_a_problem_and_no_reason_to_change(bank: Bank) -> None:
    bank.says("green_age: 60")
    bank.start()
    bank.policy()
    bank.file.unlink()
    bank.look()
    assert bank.view().problem == "policy.yaml:1: No such file or directory"
    assert bank.policy().green_age == 60


@pytest.mark.parametrize("text", ["", "# cut off"])
def test_a_file_that_is_empty_is_a_problem_and_no_reason_to_change(bank: Bank, text: str) -> None:
    bank.says("green_age: 60")
    bank.start()
    bank.policy()
    bank.says(text)
    assert bank.view().problem == "policy.yaml:1: nothing is written here; a mapping without a field is {}"
    assert bank.policy().green_age == 60


def test_a_branchs_own_exceptions_stay_when_the_banks_file_changes(bank: Bank) -> None:
    bank.says("green_age: 60")
    bank.start()
    view = bank.put("small_withdrawal_minor: 50_000  # 网点自定\n")
    assert (view.version, view.overrides, view.policy["green_age"]) == (2, {"small_withdrawal_minor": 50_000}, 60)
    assert bank.changes()[-1].by == "supervisor-1"
    bank.says("green_age: 62\nsmall_withdrawal_minor: 10_000")
    assert (bank.policy().green_age, bank.policy().small_withdrawal_minor) == (62, 50_000)
    assert bank.put("{}").overrides == {}
    assert bank.policy().small_withdrawal_minor == 10_000


def test_exceptions_that_are_wrong_change_nothing(bank: Bank) -> None:
    bank.says("{}")
    bank.start()
    bank.policy()
    with pytest.raises(InvalidPolicy) as caught:
        bank.put('{"green_age": 60,\n "ageing": 5}')
    assert caught.value.detail == "overrides:2: ageing: there is no such field; did you mean ageing_s?"
    assert len(bank.changes()) == 1


def test_another_process_follows_what_the_log_says(bank: Bank) -> None:
    bank.says("{}")
    bank.start()
    bank.policy()
    other = start(bank.storage, bank.file)

    def routed() -> str:
        wanted = {"business": "transfer", "customer": {"age": 55}}
        channel: str = other.call(calls.TAKE_TICKET, wanted, b=BRANCH).channel
        return channel

    assert routed() == "counter"
    bank.put("green_age: 50")
    assert routed() == "green"
    assert other.call(calls.POLICY, b=BRANCH).version == 2


def test_who_waits_gets_the_place_of_the_new_policy_in_the_same_transaction(bank: Bank, clock: ManualClock) -> None:
    bank.says("green_priority: 0")
    bank.start()
    plain = bank.take("transfer")
    clock.advance(100)
    green = bank.take("transfer", customer={"urgent": True})
    reserved = bank.reserve("transfer", customer={"urgent": True})
    order = waiting(bank)
    assert order == [plain.ticket_id, green.ticket_id]
    bank.says("green_priority: 3")
    assert waiting(bank) == [green.ticket_id, plain.ticket_id]
    bank.lobby.do("printed", reserved.ticket_id)  # what was not printed yet is ranked by the new policy too
    assert waiting(bank) == [green.ticket_id, reserved.ticket_id, plain.ticket_id]
    assert bank.lobby.ticket(green.ticket_id).priority == 3
    assert bank.lobby.names(green.visit_id) == ["ticket_issued", "ticket_printed", "ticket_reprioritised"]
    bank.says("green_priority: 3\nageing_s: 1")
    assert waiting(bank) == [plain.ticket_id, green.ticket_id, reserved.ticket_id]


def test_alarms_and_thresholds_follow_the_new_policy_at_once(bank: Bank, clock: ManualClock) -> None:
    bank.says("starvation_s: 3600\nline_limit: 50")
    bank.start()
    taken, _ = bank.take("transfer"), bank.take("transfer")
    clock.advance(700)
    bank.lobby.watch()
    assert not {"starvation_alarmed", "threshold_crossed"} & set(bank.lobby.names())
    bank.says("starvation_s: 600\nline_limit: 1")
    bank.lobby.watch()
    assert "starvation_alarmed" in bank.lobby.names(taken.visit_id)
    assert "threshold_crossed" in bank.lobby.names("line:demo:counter")


def test_who_came_to_an_appointment_keeps_what_it_gives(bank: Bank, clock: ManualClock) -> None:
    bank.says("green_priority: 5\nappointment_priority: 2")
    bank.start()
    bank.lobby.book(clock.now(), appointment_id="a-1")
    both = bank.take("account_service", customer={"appointment_id": "a-1", "urgent": True})
    bank.says("green_priority: 1\nappointment_priority: 2")
    assert bank.lobby.ticket(both.ticket_id).priority == 2
    bank.says("green_priority: 1\nappointment_priority: 4")
    assert bank.lobby.ticket(both.ticket_id).priority == 4


def test_an_undone_step_keeps_the_priority_of_the_new_policy(bank: Bank) -> None:
    bank.says("green_priority: 1")
    bank.start()
    green = bank.take("transfer", customer={"urgent": True})
    bank.lobby.open("1")
    bank.lobby.next("1")
    bank.says("green_priority: 5")
    assert bank.lobby.undo(green.ticket_id).priority == 5


def waiting(bank: Bank) -> list[str]:
    return [ticket.ticket_id for ticket in bank.lobby.queue().waiting]


def test_a_replay_of_the_log_has_the_policy_of_each_ticket_of_its_day(bank: Bank) -> None:
    """What a replay needs is in the branch's log: fold its events, and each ticket meets the policy that decided."""
    bank.says("small_withdrawal_minor: 100_000")
    bank.start()
    bank.lobby.device("atm-1", "atm", "up")
    for text in ("small_withdrawal_minor: 100_000", "small_withdrawal_minor: 900", "small_withdrawal_minor: 1_000_000"):
        bank.says(text)
        bank.take("cash_withdrawal", amount_minor=50_000)
    bank.file.unlink()
    policy, up, decided = Policy(), set(), []
    for event in bank.lobby.log():
        data = event.data
        if isinstance(data, triage.PolicyChanged):
            policy = policy_of(data.policy)
            assert digest_of(data.policy) == data.digest
        elif isinstance(data, triage.DeviceChanged):
            up.add(data.kind)
        elif isinstance(data, triage.TicketIssued):
            customer = data.customer
            business = policy.businesses[data.business]
            again = route(policy, business, data.amount_minor, customer, up, currency=data.currency)
            assert (again.channel, again.priority) == (data.channel, data.priority)
            assert [reason.rule for reason in again.reasons] == [reason.rule for reason in data.reasons]
            decided.append((policy.small_withdrawal_minor, data.channel))
    assert decided == [(100_000, "self_service"), (900, "counter"), (1_000_000, "self_service")]


def test_exceptions_that_do_not_fit_the_banks_new_file_are_reported_and_the_branch_goes_on(bank: Bank) -> None:
    bank.says("businesses: {safe: {name: {zh: 保管箱, en: Safe}, channel: counter}}")
    bank.start()
    bank.policy()
    bank.put("businesses: {safe: {channel: vip}}")
    bank.says("green_age: 50")
    assert bank.policy().green_age == 65
    assert bank.view().problem == "overrides:1: businesses.safe.name: is needed"
    assert bank.put("{}").problem is None
    assert bank.policy().green_age == 50
