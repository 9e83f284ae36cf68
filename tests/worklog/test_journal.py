"""The journal: found by what somebody looks for, and no change to it goes unnoticed (W10)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from services.worklog.handlers import verify_chains
from services.worklog.model.chain import Chain, link_hash
from services.worklog.store import StoredJournal, tables
from shared.storage import Storage
from tests.worklog.happened import MORNING, TODAY, Happened
from tests.worklog.office import BRANCH, Office

journal, chain = tables.journal, tables.chain

Tamper = Callable[[Connection], None]


@pytest.fixture
def five(office: Office) -> Happened:
    """A journal of five events of one branch, and three of another."""
    happened = Happened(BRANCH)
    office.receive(*happened.visit("v1"), happened.dispute("i1"), happened.settled("i1"))
    office.receive(*Happened("other").visit("v9"))
    return happened


def _row(connection: Connection, n: int) -> dict[str, Any]:
    query = select(journal).where(journal.c.branch == BRANCH, journal.c.n == n)
    return dict(connection.execute(query).mappings().one())


def _change(connection: Connection, at: int, **values: object) -> None:
    connection.execute(update(journal).where(journal.c.branch == BRANCH, journal.c.n == at).values(**values))


def _remove(connection: Connection, n: int) -> None:
    connection.execute(delete(journal).where(journal.c.branch == BRANCH, journal.c.n == n))


def change_the_body(connection: Connection) -> None:
    body = _row(connection, 3)["body"]
    assert '"waited_s":30' in body
    _change(connection, 3, body=body.replace('"waited_s":30', '"waited_s":10'))


def change_the_last_body(connection: Connection) -> None:
    _change(connection, 5, body=_row(connection, 5)["body"].replace("settled", "dropped"))


def change_and_hash_again(connection: Connection) -> None:
    row = _row(connection, 3)
    body = row["body"].replace('"waited_s":30', '"waited_s":10')
    _change(connection, 3, body=body, hash=link_hash(row["prev_hash"], body.encode()))


def change_the_last_and_hash_again(connection: Connection) -> None:
    row = _row(connection, 5)
    body = row["body"].replace("settled", "dropped")
    _change(connection, 5, body=body, hash=link_hash(row["prev_hash"], body.encode()))


def add_a_blank(connection: Connection) -> None:
    _change(connection, 2, body=_row(connection, 2)["body"] + " ")


def hide_from_the_search(connection: Connection) -> None:
    _change(connection, 4, type="lobby.incidents.hazard_opened.v1")


def remove_from_the_middle(connection: Connection) -> None:
    _remove(connection, 2)


def remove_and_close_ranks(connection: Connection) -> None:
    _remove(connection, 2)
    for n in (3, 4, 5):
        _change(connection, n, n=n - 1)


def insert_between(connection: Connection) -> None:
    for n in (5, 4):
        _change(connection, n, n=n + 1)
    before = _row(connection, 3)
    body = before["body"].replace("v1", "v7")
    made = {**before, "n": 4, "event_id": "forged", "body": body, "prev_hash": before["hash"]}
    made["hash"] = link_hash(made["prev_hash"], body.encode())
    del made["position"]
    connection.execute(insert(journal).values(**made))


def swap_two(connection: Connection) -> None:
    _change(connection, 2, n=99)
    _change(connection, 3, n=2)
    _change(connection, 99, n=3)


def cut_the_tail(connection: Connection) -> None:
    _remove(connection, 5)


def cut_the_whole_chain(connection: Connection) -> None:
    connection.execute(delete(journal).where(journal.c.branch == BRANCH))


def remove_the_head(connection: Connection) -> None:
    connection.execute(delete(chain).where(chain.c.branch == BRANCH))


def shorten_the_head_only(connection: Connection) -> None:
    connection.execute(update(chain).where(chain.c.branch == BRANCH).values(count=4, hash=_row(connection, 4)["hash"]))


@pytest.mark.parametrize(
    ("tamper", "places"),
    [
        (change_the_body, ["3: the event was changed"]),
        (change_the_last_body, ["5: the event was changed"]),
        (change_and_hash_again, ["4: it does not follow the event before it"]),
        (change_the_last_and_hash_again, ["5: the last event is not the one"]),
        (add_a_blank, ["2: the event was changed"]),
        (hide_from_the_search, ["4: the event says otherwise about type"]),
        (remove_from_the_middle, ["3: 2 was expected", "3: it does not follow"]),
        (remove_and_close_ranks, ["2: it does not follow", "4: the chain has 4 events and should have 5"]),
        (insert_between, ["4: the event says otherwise", "5: it does not follow", "6: the chain has 6 events"]),
        (swap_two, ["2: it does not follow", "3: it does not follow", "4: it does not follow"]),
        (cut_the_tail, ["4: the chain has 4 events and should have 5"]),
        (cut_the_whole_chain, ["0: the chain has 0 events and should have 5"]),
        (remove_the_head, ["5: the chain has 5 events and should have 0"]),
        (shorten_the_head_only, ["5: the chain has 5 events and should have 4"]),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
@pytest.mark.usefixtures("five")
def test_tampering_is_found_where_it_was_done(
    office: Office, storage: Storage, tamper: Tamper, places: list[str]
) -> None:
    assert office.verify().ok
    with storage.transaction() as tx:
        tamper(tx.connection)
    found = office.verify()
    assert not found.ok
    assert len(found.broken) == len(places), found.broken
    for said, place in zip(found.broken, places, strict=True):
        assert said.startswith(f"{BRANCH} {TODAY.isoformat()} {place}")
    assert office.verify("other").ok


@pytest.mark.usefixtures("five")
def test_a_signed_days_chain_cannot_be_made_anew(office: Office, storage: Storage) -> None:
    """Whoever may write every table of the chain still cannot take a signature's event out of it."""
    office.close()
    with storage.transaction() as tx:
        head = Chain(branch=BRANCH, day=TODAY)
        for n in range(1, 6):
            body = _row(tx.connection, n)["body"].replace('"waited_s":30', '"waited_s":10').encode()
            after = head.append(body, _row(tx.connection, n)["time"])
            _change(tx.connection, n, body=body.decode(), prev_hash=head.hash, hash=after.hash)
            head = after
        tx.connection.execute(update(chain).where(chain.c.branch == BRANCH).values(hash=head.hash))
    found = office.verify()
    assert found.broken == (f"{BRANCH} {TODAY.isoformat()} 5: the event that the day's log was signed after is gone",)


@pytest.mark.usefixtures("five")
def test_a_signed_days_chain_cannot_be_removed_with_its_head(office: Office, storage: Storage) -> None:
    office.close()
    with storage.transaction() as tx:
        cut_the_whole_chain(tx.connection)
        remove_the_head(tx.connection)
    assert [line.startswith(f"{BRANCH} {TODAY.isoformat()} 0: ") for line in office.verify().broken] == [True]


def test_what_comes_after_the_signature_does_not_break_it(office: Office, five: Happened) -> None:
    office.close()
    office.receive(*five.visit("v2"))
    assert office.verify().ok


@pytest.mark.usefixtures("five")
def test_verify_counts_what_it_looked_at(office: Office) -> None:
    everything, one, nothing = office.verify(), office.verify("other"), office.verify("nowhere")
    assert (everything.ok, everything.chains, everything.events) == (True, 2, 8)
    assert (one.chains, one.events) == (1, 3)
    assert (nothing.ok, nothing.chains, nothing.events) == (True, 0, 0)


def test_a_long_chain_is_verified_in_chunks(office: Office, storage: Storage) -> None:
    """More links than are read at once; the one change is found behind the first chunk."""
    happened = Happened(BRANCH)
    office.receive(*(event for n in range(400) for event in happened.visit(f"v{n}")))
    assert (office.verify().ok, office.verify().events) == (True, 1200)
    with storage.transaction() as tx:
        _change(tx.connection, 1101, subject="nobody")
    assert office.verify().broken == (
        f"{BRANCH} {TODAY.isoformat()} 1101: the event says otherwise about subject",
    )  # fmt: skip


def test_each_link_is_made_of_the_one_before_and_the_events_bytes(office: Office, storage: Storage) -> None:
    """As an auditor would recompute it, with nothing of ours but the rule."""
    from hashlib import sha256

    office.receive(*Happened(BRANCH).visit("v"))
    previous = sha256(f"lobby:{BRANCH}:{TODAY.isoformat()}".encode()).hexdigest()
    with storage.read() as connection:
        rows = connection.execute(select(journal.c.body, journal.c.hash).order_by(journal.c.n)).all()
    for body, hash_ in rows:
        previous = sha256(previous.encode() + body.encode()).hexdigest()
        assert previous == hash_
    assert office.day().journal_hash == previous


@pytest.mark.usefixtures("five")
def test_the_journal_is_paged_without_a_gap_or_a_repeat(office: Office) -> None:
    pages = [office.search(limit=2)]
    while pages[-1].next_after is not None:
        pages.append(office.search(limit=2, after=pages[-1].next_after))
    entries = [entry for page in pages for entry in page.entries]
    assert [len(page.entries) for page in pages] == [2, 2, 1]
    assert all(first.position < second.position for first, second in pairwise(entries))
    assert [entry.event["type"] for entry in entries] == [
        "lobby.triage.ticket_issued.v1", "lobby.triage.ticket_called.v1", "lobby.triage.visit_ended.v1",
        "lobby.incidents.dispute_opened.v1", "lobby.incidents.incident_closed.v1",
    ]  # fmt: skip


@pytest.mark.usefixtures("five")
def test_the_journal_is_searched_by_type_subject_and_time(office: Office) -> None:
    def types(**query: object) -> list[object]:
        return [str(entry.event["type"]).split(".")[2] for entry in office.search(**query).entries]

    assert types(type="lobby.triage.visit_ended.v1") == ["visit_ended"]
    assert types(type="lobby.incidents.*") == ["dispute_opened", "incident_closed"]
    assert types(type="lobby.incidents.%") == []
    assert types(type="lobby_incidents.*") == []
    assert types(subject="i1") == ["dispute_opened", "incident_closed"]
    assert types(subject="v9") == []
    second = timedelta(seconds=1)
    assert types(**{"from": MORNING + 2 * second, "to": MORNING + 3 * second}) == ["ticket_called", "visit_ended"]
    assert types(**{"from": datetime(2030, 1, 1, tzinfo=UTC)}) == []


def test_what_is_recorded_while_somebody_verifies_is_not_taken_for_tampering(office: Office, storage: Storage) -> None:
    """All heads are read before the links: a chain that grows meanwhile must be seen as it was."""
    first, second = Happened("aaa"), Happened("zzz")
    office.receive(*(event for n in range(200) for event in first.visit(f"a{n}")), *second.visit("z"))
    more = iter([list(first.visit("late-a")), list(second.visit("late-z"))])
    with storage.read() as connection:
        seen = verify_chains(StoredJournal(connection, pause=lambda: office.receive(*next(more, []))), None)
    assert (seen.broken, seen.events) == ((), 603)
    assert next(more, None) is None
    assert (office.verify().ok, office.verify().events) == (True, 609)
