"""Event handlers: ``@on(EventClass)``, what a service hears in consequence, and which method handles which event."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, TypeVar

from nameko.extensions import Entrypoint, SharedExtension, register_entrypoint

from shared.bus.database import Database
from shared.bus.inbox import EventHandler, one_by_one
from shared.bus.queue_readers import QueueReaders, run_worker
from shared.bus.topology import presence_queue
from shared.contracts import registry
from shared.contracts.envelope import Event
from shared.storage import Transaction

Method = TypeVar("Method", bound=Callable[..., Any])

EVERY_TYPE: Final = "#"
_MARK: Final = "event_handler"


@dataclass(frozen=True, kw_only=True)
class Handles:
    """What a method is called for: ``one`` event of some classes, ``all`` of a transaction, or a ``discarded`` one.

    ``where`` says by an event's data whether the method is called for it.
    """

    kind: Literal["one", "all", "discarded"]
    classes: tuple[type, ...] = ()
    where: Callable[[Any], bool] = lambda _data: True


def mark(method: Method, handles: Handles) -> Method:
    """Make a method a handler of events."""
    setattr(method, _MARK, handles)
    return method


@dataclass(frozen=True, kw_only=True)
class HandlerNames:
    """The names of a service's methods by what they are called for."""

    one: Mapping[type, tuple[str, Handles]]
    all: Sequence[str]
    discarded: Sequence[str]


_names: Final[dict[type, HandlerNames]] = {}


def subscriptions_of(service_class: type) -> tuple[str, ...]:
    """Return which types of events a service hears, as the ends of routing key patterns.

    Raises TypeError for a handler of what is no event's newest version, and for two handlers of one event.
    """
    names = names_of(service_class)
    return (EVERY_TYPE,) if names.all else tuple(sorted(f"{_name_of(class_)}.*" for class_ in names.one))


def handler_of(service: object) -> EventHandler:
    """Return what the marked methods of a service make together."""
    names = names_of(type(service))
    single = {class_: getattr(service, name) for class_, (name, _) in names.one.items()}

    def wants(event: Event) -> bool:
        if names.all:
            return True
        if type(event.data) not in names.one:  # its handler was removed, and the broker still has the binding
            return False
        return names.one[type(event.data)][1].where(event.data)

    def handle_one(tx: Transaction, event: Event) -> None:
        if wants(event):
            single[type(event.data)](tx, event)

    def handle(tx: Transaction, events: Sequence[Event]) -> None:
        for name in names.all:
            getattr(service, name)(tx, events)
        if single:
            one_by_one(handle_one)(tx, events)

    return EventHandler(
        handle=handle, wants=wants, discarded=getattr(service, names.discarded[0]) if names.discarded else None
    )


def names_of(service_class: type) -> HandlerNames:
    """Return which methods of a class are marked; raise TypeError for two handlers of one event."""
    if service_class not in _names:  # looking through a class takes as long as handling an event
        marked: dict[str, list[tuple[str, Handles]]] = {"one": [], "all": [], "discarded": []}
        for name, method in inspect.getmembers(service_class, inspect.isfunction):
            if (handles := getattr(method, _MARK, None)) is not None:
                marked[handles.kind].append((name, handles))
        _names[service_class] = HandlerNames(
            one=_by_class(service_class, marked["one"]),
            all=[name for name, _ in marked["all"]],
            discarded=[name for name, _ in marked["discarded"]],
        )
    return _names[service_class]


def _by_class(service_class: type, marked: Sequence[tuple[str, Handles]]) -> dict[type, tuple[str, Handles]]:
    found: dict[type, tuple[str, Handles]] = {}
    for name, handles in marked:
        for class_ in handles.classes:
            if class_ in found:
                raise TypeError(
                    f"{service_class.__name__}: {found[class_][0]} and {name} both handle {class_.__name__}"
                )
            found[class_] = (name, handles)
    return found


def _name_of(class_: Any) -> str:
    """Return an event's name without its version."""
    name, _ = registry.split(registry.type_of(class_))
    _, newest = registry.newest(name)
    if newest is not class_:
        raise TypeError(f"{class_.__name__} is an old version of {name}: the handler gets {newest.__name__}")
    return name


class SettleEvents(Entrypoint):
    """What a worker runs for a batch: nameko calls one method, by its name, and a batch is for all handlers."""

    method_name: Final = "settle_events"


class EventConsumer(SharedExtension):
    """Reads the service's event queues, for all event handlers of the service."""

    database = Database()

    def setup(self) -> None:
        """Give the service's class the method of :class:`SettleEvents`."""
        method_name = SettleEvents.method_name
        setattr(self.container.service_cls, method_name, lambda service, settle: settle(handler_of(service)))
        self._readers = QueueReaders(self.container, self.database, lambda batch: self._run_worker(batch.process))

    def start(self) -> None:
        """Catch up where the transport forgets, then read each queue."""
        service, embedded = self.container.service_name, self.database.settings.embedded
        self._readers.start(
            self.database.topology.event_queues(service),
            presence=None if embedded else presence_queue(service),
            before=self._catch_up if embedded else lambda: None,
        )

    def stop(self) -> None:
        """Settle the batches at hand, then end."""
        self._readers.stop()

    def readiness_checks(self) -> dict[str, Callable[[], str | None]]:
        """Each queue is being read."""
        return self._readers.readiness_checks()

    def _catch_up(self) -> None:
        """Handle what the producers' logs have behind this service's cursors."""
        patterns = self.database.topology.subscriptions[self.container.service_name]
        self._run_worker(partial(self._readers.batch_of(()).catch_up, patterns))
        if self.database.settings.clock == "system":  # the next time begins where this one ended
            self.database.storage.forget_inbox()

    def _run_worker(self, settle: Callable[[EventHandler], None]) -> None:
        run_worker(self.container, SettleEvents(), settle)


class EventEntrypoint(Entrypoint):
    """Makes a method an entrypoint of its service; the service's consumer is what calls it."""

    consumer = EventConsumer()


def on(*event_classes: type, where: Callable[[Any], bool] = lambda _data: True) -> Callable[[Method], Method]:
    """Have a method handle the events of some classes, one at a time: ``(transaction, event)``.

    The classes are the newest versions of their events. What the method appends has the event as its cause. ``where``
    says by an event's data whether it is wanted: of most events a service has nothing to do with, a transaction that
    finds that out is work for nothing.
    """
    return partial(_register, Handles(kind="one", classes=event_classes, where=where))


def on_every_event(method: Method) -> Method:
    """Have a method handle all events of a transaction, of every type: ``(transaction, events)``."""
    return _register(Handles(kind="all"), method)


def on_discarded(method: Method) -> Method:
    """Tell a method of each event that an operator gave up, unhandled: ``(transaction, event)``."""
    return _register(Handles(kind="discarded"), method)


def _register(handles: Handles, method: Method) -> Method:
    register_entrypoint(mark(method, handles), EventEntrypoint())
    return method
