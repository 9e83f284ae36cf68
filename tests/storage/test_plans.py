"""What is done all the time, or again and again, visits no more rows of a large database than of a small one."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Table, delete, exists, func, select

from services.gateway import dead_letters, store, stream, terminals
from services.gateway.branch_tails import BranchTails
from services.incidents import store as incidents_store
from services.vip import store as vip_store
from services.worklog.handlers import Recording, get_day, search
from services.worklog.store import StoredJournal, StoredJournalProjection, StoredLobby
from shared.bus.batch_processor import BatchProcessor
from shared.bus.inbox import EventHandler, HandleEvents, Inbox
from shared.bus.message import Message
from shared.bus.publisher import Outgoing
from shared.bus.relay import Relay
from shared.clock import ManualClock
from shared.commands import Command
from shared.contracts.cloudevents import TerminalEvent
from shared.contracts.envelope import Event
from shared.contracts.events.terminal import TicketRequested
from shared.contracts.events.triage import CounterClosed
from shared.contracts.http.worklog import JournalQuery
from shared.ids import PARTITIONS, new_id, partition_of
from shared.settings import Settings
from shared.storage import Cursor, Storage, Transaction
from shared.storage import log as logs
from shared.storage.migrate import upgrade
from shared.storage.storage import KEEP_ANSWERS, KEEP_INBOX, declared_storage
from shared.storage.tables import dead_letter, idempotency, inbox
from shared.web.branch_notifier import BranchNotifier
from shared.web.tokens import Principal
from tests.support import large
from tests.support.visited import visits_of
from tests.triage.lobby import BRANCH as TRIAGE_BRANCH
from tests.triage.lobby import Lobby
from tests.worklog.happened import Happened

SIZE = large.Size(events=60_000, branches=8, of_a_day=300)
MOST = 3000
"""Rows that a statement may visit: more than a page or a branch's day, and far fewer than any large table has."""
BRANCH = large.branch_name(1)
OPERATOR = Principal(subject="o", roles=frozenset({"operations"}), branches=frozenset({"*"}))
SERVICES = ("triage", "worklog", "gateway", "vip", "incidents")
SAVED = ("vip", "incidents")
"""Whose large databases have snapshots, too."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Storage]]:
    """The services' databases after some weeks."""
    url = request.getfixturevalue("database_url") if request.param == "postgresql" else ""
    folder: Path = tmp_path_factory.mktemp("large")
    settings = Settings(data_dir=folder, database_url=url)
    storages = {}
    for service in SERVICES:
        upgrade(settings, service)
        large.fill_service(settings, service, SIZE)
        storages[service] = declared_storage(settings, service, ManualClock(time=SIZE.end))
        if service in SAVED:
            save_states(storages[service])
    yield storages
    for storage in storages.values():
        storage.close()


def save_states(storage: Storage) -> None:
    """Save the states of all branches, as it is done again and again."""
    for number in range(SIZE.branches):
        storage.state(large.branch_name(number))
    assert storage.take_snapshots(all_changed=True) == SIZE.branches
    storage.states.forget()


Doing = Callable[[Storage], object]


def handle(storage: Storage, events: Sequence[Event], handler: HandleEvents) -> None:
    inbox_of = Inbox(storage, EventHandler(handle=handler), stop=threading.Event())
    BatchProcessor(inbox_of).process([Message(queue="q", body=event.to_json()) for event in events])
    with storage.read() as connection:
        parked = select(exists().where(dead_letter.c.subject.in_({e.subject for e in events})))
        assert not connection.execute(parked).scalar()


def some_visits() -> list[Event]:
    """A full batch of events of visits that nobody has heard of."""
    happened = Happened(BRANCH, at=SIZE.end)
    prefix = new_id()
    events = [event for n in range(66) for event in happened.visit(f"{prefix}-{n}")]
    return [event.model_copy(update={"id": new_id()}) for event in events]


# What every service does, with the same statements: the gateway's log is the largest.


def publish(storage: Storage) -> None:
    """Lead the log's relay until it has published an event of this process and one that it had to look for."""
    published: list[str] = []
    stop = threading.Event()

    class Collected:
        def publish(self, messages: Sequence[Outgoing]) -> None:
            published.extend(message.id for message in messages)

        def tick(self) -> None:
            if len(published) >= 2:
                stop.set()

        def close(self) -> None:
            pass

    with storage.transaction() as tx:
        Cursor("relay").save(tx.connection, logs.heads(tx.connection))
    append(storage)
    relay = Relay(storage, Collected, stop=stop)
    thread = threading.Thread(target=relay.run)
    thread.start()
    deadline = time.monotonic() + 20
    while not relay.leading and time.monotonic() < deadline:
        time.sleep(0.01)
    append(storage)
    thread.join(20)
    assert stop.is_set()
    assert len(published) == 2


def append(storage: Storage) -> None:
    with storage.transaction(BRANCH) as tx:
        subject = new_id()
        assert tx.events_of(subject) == []
        tx.append(BRANCH, subject, CounterClosed(counter="1"), correlation=subject, sequence=1)


def catch_up_from_far_behind(storage: Storage) -> None:
    with storage.read() as connection:
        assert len(logs.after(connection, dict.fromkeys(range(PARTITIONS), 0), limit=200)) == 200


def fill_a_gap(storage: Storage) -> None:
    with storage.read() as connection:
        assert len(logs.of_subject(connection, "visit-1-100", before=5)) == 4


def carry_out_a_command(storage: Storage) -> None:
    command = Command(id=new_id(), operation="o", branch=BRANCH, actor="actor-1", key=new_id())
    storage.execute(command, lambda _tx: None)
    storage.execute(command, lambda _tx: None)


def forget_answers(storage: Storage) -> None:
    """The hour's worth that is older than it was an hour ago."""
    tidy(storage, storage.forget_answers, idempotency, KEEP_ANSWERS)


def forget_inbox(storage: Storage) -> None:
    tidy(storage, storage.forget_inbox, inbox, KEEP_INBOX)


def tidy(storage: Storage, forget: Callable[[], None], table: Table, keep: timedelta) -> None:
    clock, now = storage.clock, storage.clock.now()
    assert isinstance(clock, ManualClock)
    storage.clock = ManualClock(time=large.FIRST + keep + timedelta(hours=20))
    try:
        before = count_of(storage, table)
        forget()
        assert 0 < before - count_of(storage, table) < MOST
    finally:
        storage.clock = clock
    assert clock.now() == now


def count_of(storage: Storage, table: Table) -> int:
    with storage.engine.connect().execution_options(unwatched=True) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


EVERYWHERE: list[Doing] = [
    publish, catch_up_from_far_behind, fill_a_gap, carry_out_a_command, forget_answers, forget_inbox,
]  # fmt: skip

# What one service does.


def record_a_batch(storage: Storage) -> None:
    handle(storage, some_visits(), recording_of(storage))


def record_what_the_inbox_has_forgotten(storage: Storage) -> None:
    events = some_visits()
    handle(storage, events, recording_of(storage))
    with storage.transaction() as tx:
        tx.connection.execute(delete(inbox).where(inbox.c.event_id.in_([event.id for event in events])))
    handle(storage, events, recording_of(storage))


def recording_of(storage: Storage) -> HandleEvents:
    return lambda tx, events: Recording(StoredJournalProjection(tx), storage.settings.default_timezone).record_all(
        events
    )


def look(storage: Storage, **query: object) -> int:
    asked = JournalQuery.model_validate({"branch": BRANCH, "limit": 50, **query})
    with storage.read() as connection:
        page = search(StoredJournal(connection), asked)
    return len(page.entries)


def search_from_a_late_day(storage: Storage) -> None:
    assert look(storage, **{"from": SIZE.end - timedelta(days=1, hours=1)}) == 50


def search_up_to_an_early_day(storage: Storage) -> None:
    assert look(storage, to=large.FIRST + timedelta(hours=6)) == 50
    assert look(storage, to=large.FIRST + timedelta(hours=6), after=SIZE.events // 2) == 0


def search_for_what_never_was(storage: Storage) -> None:
    assert look(storage, type="lobby.triage.never.v1") == look(storage, subject="nobody") == 0


def search_for_a_rare_type(storage: Storage) -> None:
    assert look(storage, type="lobby.incidents.hazard_opened.v1") == 7
    assert look(storage, type="lobby.incidents.*") == 7
    assert look(storage, type="lobby.incidents.*", **{"from": large.FIRST + timedelta(days=15)}) == 3


def search_for_many_types(storage: Storage) -> None:
    assert look(storage, type="lobby.triage.*", after=SIZE.events // 2) == 50
    assert look(storage, type="lobby.*", after=SIZE.events // 2) == 50


def search_for_a_subject(storage: Storage) -> None:
    assert look(storage, subject="visit-1-1200") == 5


def list_the_chains(storage: Storage) -> None:
    with storage.read() as connection:
        assert sum(1 for _ in StoredJournal(connection).heads(None)) >= SIZE.days * SIZE.branches


def show_a_day(storage: Storage) -> None:
    with storage.read() as connection:
        shown = get_day(StoredLobby(storage, connection, BRANCH), business_date=(SIZE.end - timedelta(days=1)).date())
    assert len(shown.notes) == 1


def hold_a_batch(storage: Storage) -> None:
    def hold(tx: Transaction, events: Sequence[Event]) -> None:
        store.record_activity(tx.connection, {event.branchid: tx.now for event in events})
        for event in events:
            tx.append_event(event, own=False)

    handle(storage, some_visits(), hold)


def take_from_a_terminal(storage: Storage) -> None:
    def event(id_: str) -> TerminalEvent:
        data = TicketRequested(business="cash_withdrawal")
        return TerminalEvent(
            specversion="1.0", id=id_, source="/terminals/t", type="lobby.terminal.ticket_requested.v1",
            branchid=BRANCH, data=data,
        )  # fmt: skip

    events = [event(new_id()) for _ in range(100)]
    assert terminals.accept(storage, events).accepted == 100
    assert terminals.accept(storage, events).duplicates == 100


def follow(storage: Storage) -> None:
    with storage.read() as connection:
        head = logs.heads(connection)[partition_of(BRANCH)]
    tails = BranchTails(storage, BranchNotifier())
    for behind in (None, str(head - 10), str(head - SIZE.events // 2)):
        source = stream.events(tails, BRANCH, after=behind, types=None)
        next(source)
    with Storage(storage.settings, "gateway", clock=storage.clock).transaction(BRANCH) as tx:
        subject = new_id()
        tx.append(BRANCH, subject, CounterClosed(counter="1"), correlation=subject, sequence=1)
    tails.catch_up()


def forget_what_was_held(storage: Storage) -> None:
    """A minute's worth is older than a day, of others, or a week, of terminals."""
    with storage.transaction() as tx:
        done = store.forget(tx.connection, large.FIRST + timedelta(hours=5), large.FIRST + timedelta(hours=4))
    assert 0 < done < MOST


def list_dead_letters(storage: Storage) -> None:
    assert len(dead_letters.show(storage, OPERATOR, service=None, state=None, limit=100).dead_letters) == 100


def list_a_terminals_branches(storage: Storage) -> None:
    with storage.read() as connection:
        assert len(store.branches(connection, frozenset({"branch-7"}))) == 1


def look_for_overdue_offers(storage: Storage) -> None:
    assert storage.branches_due(limit=200) == []


def show_the_lounge(storage: Storage) -> None:
    with storage.read() as connection:
        state = vip_store.StoredLobby(storage, connection, BRANCH).state
    assert not state.active


def show_an_old_handoff(storage: Storage) -> None:
    with storage.read() as connection:
        branch = vip_store.branch_of(connection, "handoff-1")
        assert branch == BRANCH
        shown = vip_store.StoredLobby(storage, connection, branch).handoff("handoff-1")
    assert shown is not None
    assert (shown.state, shown.version) == ("withdrawn", 2)


def list_incidents(storage: Storage) -> None:
    with storage.read() as connection:
        assert len(incidents_store.StoredLobby(storage, connection, BRANCH).state.newest) == 200


def show_an_old_incident(storage: Storage) -> None:
    with storage.read() as connection:
        branch = incidents_store.branch_of(connection, "incident-1")
        assert branch == BRANCH
        lobby = incidents_store.StoredLobby(storage, connection, branch)
        assert "incident-1" not in lobby.state.incidents
        shown = lobby.incident("incident-1")
    assert shown is not None
    assert (shown.state, shown.version) == ("closed", 2)


def serve_a_customer(storage: Storage) -> None:
    lobby = lobby_of(storage)
    lobby.open()
    ticket = lobby.wait()
    assert lobby.next() is not None
    assert lobby.serve(ticket.ticket_id).state == "completed"
    assert lobby.ticket(ticket.ticket_id).state == "completed"
    assert lobby.queue().branch == TRIAGE_BRANCH


def look_at_the_clock(storage: Storage) -> None:
    lobby = lobby_of(storage)
    lobby.wait()
    lobby.clock.advance(3600)
    lobby.watch()
    lobby.keep_time()


def take_turns_with_another_process(storage: Storage) -> None:
    """One process reads what the other has appended, and a third what there is since the newest snapshot."""
    first = lobby_of(storage)
    other = declared_storage(storage.settings, "triage", storage.clock)
    lobby_of(other).wait()
    other.close()
    first.wait()
    storage.take_snapshots(all_changed=True)
    storage.states.forget()
    first.wait()


def lobby_of(storage: Storage) -> Lobby:
    assert isinstance(storage.clock, ManualClock)
    return Lobby(storage, storage.clock)


OWN: dict[str, list[Doing]] = {
    "triage": [serve_a_customer, look_at_the_clock, take_turns_with_another_process],
    "worklog": [
        record_a_batch, record_what_the_inbox_has_forgotten, search_from_a_late_day, search_up_to_an_early_day,
        search_for_what_never_was, search_for_a_rare_type, search_for_many_types, search_for_a_subject,
        list_the_chains, show_a_day,
    ],
    "gateway": [
        hold_a_batch, take_from_a_terminal, follow, forget_what_was_held, list_dead_letters, list_a_terminals_branches,
    ],
    "vip": [look_for_overdue_offers, show_the_lounge, show_an_old_handoff],
    "incidents": [list_incidents, show_an_old_incident],
}  # fmt: skip
ALL = [("gateway", doing) for doing in EVERYWHERE] + [
    (service, doing) for service in SERVICES for doing in OWN[service]
]


@pytest.mark.parametrize(("service", "doing"), ALL, ids=[f"{service}-{doing.__name__}" for service, doing in ALL])
def test_no_statement_visits_more_rows_than_it_needs(databases: dict[str, Storage], service: str, doing: Doing) -> None:
    storage = databases[service]
    with visits_of(storage.engine) as visits:
        doing(storage)
    assert visits.rows
    assert not (found := visits.above(MOST)), found
