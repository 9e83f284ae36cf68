"""What a service hears follows from its event handlers, whatever version is on the wire."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from services.ops.service_classes import classes_of
from shared.bus import on, on_discarded, on_every_event
from shared.bus.event_handlers import handler_of, subscriptions_of
from shared.contracts import registry
from shared.contracts.envelope import Event, EventData
from shared.contracts.events import triage, vip
from shared.settings import SERVICES
from shared.storage import Transaction
from tests.bus.world import World

OLD, NEW = "lobby.testing.bell_rung.v1", "lobby.testing.bell_rung.v2"


@dataclass(frozen=True, kw_only=True)
class RungOnce(EventData):
    loudness: str


@dataclass(frozen=True, kw_only=True)
class Rung(EventData):
    loudness_db: float


@pytest.fixture
def two_versions() -> Iterator[None]:
    """An event that this test's producer still says in its first version."""
    registry.event(OLD)(RungOnce)
    registry.event(NEW)(Rung)
    registry.upcaster(OLD)(lambda data: {"loudness_db": {"soft": 40.0, "loud": 90.0}[data["loudness"]]})
    yield
    del registry._models["lobby.testing.bell_rung"]
    del registry._upcasters["lobby.testing.bell_rung", 1]
    del registry._types[RungOnce], registry._types[Rung]


class Listener:
    """A service that wants to know how loud it is."""

    name = "gateway"

    def __init__(self) -> None:
        self.heard: list[float] = []

    @on(Rung)
    def rung(self, tx: Transaction, event: Event) -> None:
        self.heard.append(event.data.loudness_db)  # type: ignore[attr-defined]
        tx.append_event(event, own=False)

    @on(triage.CounterClosed)
    def counter_closed(self, tx: Transaction, event: Event) -> None:
        tx.append_event(event, own=False)


@pytest.mark.usefixtures("two_versions")
def test_an_old_version_on_the_wire_reaches_the_handler_of_the_newest(world: World) -> None:
    listener = Listener()
    world.hears(subscriptions_of(Listener))
    world.relay()
    world.consume(handler_of(listener))
    with world.producer.transaction("demo") as tx:
        old = tx.append("demo", "bell-1", RungOnce(loudness="loud"), correlation="c", sequence=1)
        new = tx.append("demo", "bell-1", Rung(loudness_db=55.0), correlation="c", sequence=2)
    world.wait_handled([old, new])
    assert (old.type, listener.heard) == (OLD, [90.0, 55.0])


@pytest.mark.usefixtures("two_versions")
def test_the_broker_delivers_what_there_is_a_handler_for_and_nothing_else(world: World) -> None:
    world.hears(subscriptions_of(Listener))
    world.relay()
    world.consume(handler_of(Listener()))
    with world.producer.transaction("demo") as tx:
        tx.append("demo", "counter-1", triage.CounterOpened(counter="1", channels=()), correlation="c", sequence=1)
    heard = world.say("demo")
    world.wait_handled([heard])
    with world.consumer.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM inbox").scalar() == 1


def test_an_event_that_the_handler_does_not_want_costs_no_transaction(world: World) -> None:
    class Picky:
        @on(triage.CounterClosed, where=lambda data: data.counter == "1")
        def counter_closed(self, tx: Transaction, event: Event) -> None:
            tx.append_event(event, own=False)

    world.relay()
    world.consume(handler_of(Picky()))
    world.say("demo", counter="2")
    wanted = world.say("demo", counter="1")
    world.wait_handled([wanted])
    with world.consumer.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM inbox").scalar() == 1


@pytest.mark.usefixtures("two_versions")
def test_a_handler_of_an_old_version_is_refused_as_it_would_never_be_called() -> None:
    class Deaf:
        @on(RungOnce)
        def rung(self, tx: Transaction, event: Event) -> None: ...

    with pytest.raises(TypeError, match="old version"):
        subscriptions_of(Deaf)


def test_two_handlers_of_one_event_are_refused() -> None:
    class Twice:
        @on(vip.HandoffAccepted, vip.HandoffCompleted)
        def one(self, tx: Transaction, event: Event) -> None: ...

        @on(vip.HandoffCompleted)
        def other(self, tx: Transaction, event: Event) -> None: ...

    with pytest.raises(TypeError, match="both handle HandoffCompleted"):
        subscriptions_of(Twice)


def test_a_handler_of_every_event_hears_all_and_of_what_an_operator_gave_up() -> None:
    class Keeper:
        @on_every_event
        def keep(self, tx: Transaction, events: Sequence[Event]) -> None: ...

        @on_discarded
        def pass_over(self, tx: Transaction, event: Event) -> None: ...

    assert subscriptions_of(Keeper) == ("#",)
    assert handler_of(Keeper()).discarded is not None


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_hears_the_newest_version_of_what_it_handles(service: str) -> None:
    (class_,) = classes_of([service])
    for pattern in subscriptions_of(class_):
        assert pattern == "#" or registry.newest(pattern.removesuffix(".*"))
