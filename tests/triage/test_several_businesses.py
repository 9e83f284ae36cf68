"""Several businesses in one visit, and no customer queued twice for the same one by accident (T4, T7)."""

import pytest

from services.triage.errors import AlreadyQueued, UnknownBusiness, VisitEnded, VisitNotFound
from shared.clock import ManualClock
from shared.contracts.events import terminal, triage
from shared.errors import InvalidInput
from tests.triage.lobby import Lobby

LI = {"customer_ref": "c-1"}


def two(lobby: Lobby) -> tuple[str, str, str]:
    """Take and print two tickets of one visit; return the visit's id and theirs."""
    taken = lobby.take("transfer", businesses=["mortgage"])
    (other,) = taken.others
    for ticket_id in (taken.ticket_id, other.ticket_id):
        lobby.do("printed", ticket_id)
    return taken.visit_id, taken.ticket_id, other.ticket_id


def test_each_business_gets_its_ticket_and_the_visit_one_end(lobby: Lobby) -> None:
    lobby.open("1")
    lobby.open("2", "loan_desk")
    visit_id, first, second = two(lobby)
    assert [lobby.ticket(id_).number for id_ in (first, second)] == ["A001", "L001"]
    for counter, ticket_id in (("1", first), ("2", second)):
        called = lobby.next(counter)
        assert called is not None
        assert called.ticket_id == ticket_id
        lobby.serve(ticket_id)
    names = lobby.names(visit_id)
    assert names.count("visit_ended") == 1
    assert names[-1] == "visit_ended"
    ended = lobby.events(visit_id)[-1].data
    assert isinstance(ended, triage.VisitEnded)
    assert (ended.outcome, ended.waited_s, ended.service_s) == ("served", 0, 120)


def test_a_further_ticket_can_be_taken_later_for_the_same_visit(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    first = lobby.wait("transfer", customer={"age": 80, "customer_ref": "c-1"})
    lobby.next()
    lobby.do("start", first.ticket_id)
    clock.advance(30)
    second = lobby.wait("account_closing", visit_id=first.visit_id)
    assert second.visit_id == first.visit_id
    assert second.channel == "green"  # it is still the same customer
    lobby.do("complete", first.ticket_id)
    assert "visit_ended" not in lobby.names(first.visit_id)
    assert lobby.do("left", second.ticket_id).outcome == "left"
    ended = lobby.events(first.visit_id)[-1].data
    assert isinstance(ended, triage.VisitEnded)
    assert ended.outcome == "served"


def test_a_customer_at_a_counter_is_passed_over_and_overtaken_by_nobody(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open("1")
    lobby.open("2")
    taken = lobby.take("transfer", businesses=["account_closing"])
    for ticket_id in (taken.ticket_id, taken.others[0].ticket_id):
        lobby.do("printed", ticket_id)
    clock.advance(10)
    behind = lobby.wait()
    assert lobby.next("1").ticket_id == taken.ticket_id  # type: ignore[union-attr]
    called = lobby.next("2")
    assert called is not None
    assert called.ticket_id == behind.ticket_id
    event = lobby.events(behind.visit_id)[-1].data
    assert isinstance(event, triage.TicketCalled)
    assert event.overtakes == ()
    assert [ticket.ticket_id for ticket in lobby.queue().waiting] == [taken.others[0].ticket_id]
    lobby.serve(taken.ticket_id)
    assert lobby.next("1").ticket_id == taken.others[0].ticket_id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("business", "businesses", "field"),
    [
        ("transfers", ["mortgage"], "business"),
        ("transfer", ["mortgage", "mortgages"], "businesses.1"),
        (None, ["transfer", "mortgages"], "businesses.1"),
        (None, ["transfers"], "businesses.0"),
    ],
)
def test_nothing_is_taken_where_one_of_the_businesses_is_unknown(
    lobby: Lobby, business: str, businesses: list[str], field: str
) -> None:
    with pytest.raises(UnknownBusiness) as refused:
        lobby.take(business, businesses=businesses)
    assert (refused.value.extra["field"], refused.value.extra["errors"][0]["field"]) == (field, field)
    assert lobby.events() == []


def test_the_one_of_several_businesses_that_is_queued_already_is_named(lobby: Lobby) -> None:
    lobby.wait("mortgage", customer={"customer_ref": "c1"})
    with pytest.raises(AlreadyQueued) as refused:
        lobby.take("transfer", businesses=["mortgage"], customer={"customer_ref": "c1"})
    assert refused.value.extra["field"] == "businesses.0"


def test_a_skill_that_nobody_offers_is_named(lobby: Lobby) -> None:
    with pytest.raises(UnknownBusiness) as refused:
        lobby.open_for("1", ["transfer", "tea"])
    assert refused.value.extra["field"] == "businesses.1"


def test_a_list_of_businesses_alone_is_enough(lobby: Lobby) -> None:
    taken = lobby.take(None, businesses=["transfer", "mortgage", "transfer"])  # type: ignore[arg-type]
    assert (taken.business, [other.business for other in taken.others]) == ("transfer", ["mortgage"])


def test_a_visit_that_is_unknown_or_over_gets_no_further_ticket(lobby: Lobby) -> None:
    with pytest.raises(VisitNotFound):
        lobby.take("transfer", visit_id="nobody's")
    with pytest.raises(InvalidInput):
        lobby.take("transfer", visit_id="a\0b")
    taken = lobby.wait()
    with pytest.raises(VisitNotFound):
        lobby.take("transfer", branch="other", visit_id=taken.visit_id)
    lobby.do("left", taken.ticket_id)
    with pytest.raises(VisitEnded):
        lobby.take("transfer", visit_id=taken.visit_id)


@pytest.mark.parametrize("known", [LI, {"card_token": "card-1"}, {"customer_ref": "c-2", "card_token": "card-1"}])
def test_a_customer_is_not_queued_twice_for_the_same_business(lobby: Lobby, known: dict[str, str]) -> None:
    first = lobby.wait("transfer", customer={"customer_ref": "c-1", "card_token": "card-1"})
    with pytest.raises(AlreadyQueued) as refused:
        lobby.take("transfer", customer=known)
    assert (refused.value.status, refused.value.code) == (409, "already_queued")
    assert refused.value.extra["ticket_id"] == first.ticket_id
    assert refused.value.extra["number"] == first.number
    assert "A001" in refused.value.detail


def test_another_ticket_can_be_meant(lobby: Lobby, clock: ManualClock) -> None:
    first = lobby.wait("transfer", customer=LI)
    assert lobby.take("transfer", customer=LI, again=True).number == "A002"
    assert lobby.take("account_closing", customer=LI).number == "A003"
    assert lobby.take("transfer", customer={"customer_ref": "c-2"}).number == "A004"
    assert lobby.take("transfer").number == "A005"  # nobody knows who that is
    assert lobby.take("transfer", branch="other", customer=LI).number == "A001"
    lobby.do("left", first.ticket_id)
    with pytest.raises(AlreadyQueued, match="A002"):
        lobby.take("transfer", customer=LI)


def test_who_was_served_may_come_again_and_yesterdays_ticket_is_no_matter(lobby: Lobby, clock: ManualClock) -> None:
    lobby.open()
    first = lobby.wait("transfer", customer=LI)
    lobby.next()
    lobby.serve(first.ticket_id)
    lobby.wait("transfer", customer=LI)
    clock.advance(86400)
    assert lobby.take("transfer", customer=LI).number == "A001"


def test_the_same_business_twice_in_one_visit_is_an_accident_too(lobby: Lobby) -> None:
    first = lobby.wait("transfer")
    with pytest.raises(AlreadyQueued):
        lobby.take("transfer", visit_id=first.visit_id)
    assert lobby.take("transfer", visit_id=first.visit_id, again=True).visit_id == first.visit_id


def test_a_terminal_learns_which_ticket_the_customer_has(lobby: Lobby) -> None:
    first = lobby.wait("transfer", customer=LI)
    customer = terminal.Customer(**LI)
    lobby.receive(terminal.TicketRequested(business="transfer", customer=customer, terminal_id="k1"))
    refused = lobby.events()[-1].data
    assert isinstance(refused, triage.TicketRefused)
    assert (refused.code, refused.number, refused.ticket_id) == ("already_queued", first.number, first.ticket_id)


def test_a_terminal_gets_a_ticket_for_each_business_it_named(lobby: Lobby) -> None:
    request = lobby.receive(terminal.TicketRequested(business="transfer", businesses=("mortgage",)))
    first, second = lobby.events()
    assert (first.causationid, second.causationid) == (request.id, request.id)
    assert first.subject == second.subject
    assert [event.sequence for event in (first, second)] == [1, 2]
