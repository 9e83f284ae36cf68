"""Which methods of a service handle which events, and what it hears in consequence.

A handler is for a class of event, not for a type on the wire: an old version arrives as the newest class, which the
registry's upcasters make of it, and the queues are bound to every version.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from shared.bus.inbox import EventHandler, one_by_one
from shared.contracts import registry
from shared.contracts.envelope import Event
from shared.storage import Transaction

Method = TypeVar("Method", bound=Callable[..., Any])

EVERY_TYPE: Final = "#"
_MARK: Final = "event_handler"


@dataclass(frozen=True, kw_only=True)
class Handles:
    """What a method is called for: ``one`` event of some classes, ``all`` of a transaction, or a ``discarded`` one."""

    kind: Literal["one", "all", "discarded"]
    classes: tuple[type, ...] = ()


def mark(method: Method, handles: Handles) -> Method:
    """Make a method a handler of events."""
    setattr(method, _MARK, handles)
    return method


def subscriptions_of(service_class: type) -> tuple[str, ...]:
    """Return which types of events a service hears, as the ends of routing key patterns.

    Raises TypeError for a handler of what is no event's newest version, and for two handlers of one event.
    """
    if any(_methods(service_class, "all")):
        return (EVERY_TYPE,)
    return tuple(sorted(f"{_name_of(class_)}.*" for class_ in _by_class(service_class)))


def handler_of(service: object) -> EventHandler:
    """Return what the marked methods of a service make together."""
    whole = [getattr(service, name) for name, _ in _methods(type(service), "all")]
    single = {class_: getattr(service, name) for class_, name in _by_class(type(service)).items()}
    discarded = [getattr(service, name) for name, _ in _methods(type(service), "discarded")]

    def handle_one(tx: Transaction, event: Event) -> None:
        method = single.get(type(event.data))
        if method is not None:  # none is left where a handler was removed and the broker still has its binding
            method(tx, event)

    def handle(tx: Transaction, events: Sequence[Event]) -> None:
        for method in whole:
            method(tx, events)
        if single:
            one_by_one(handle_one)(tx, events)

    return EventHandler(handle=handle, discarded=discarded[0] if discarded else None)


def _by_class(service_class: type) -> dict[type, str]:
    """Return the name of the method that handles each class of event."""
    found: dict[type, str] = {}
    for name, handles in _methods(service_class, "one"):
        for class_ in handles.classes:
            if class_ in found:
                raise TypeError(f"{service_class.__name__}: {found[class_]} and {name} both handle {class_.__name__}")
            found[class_] = name
    return found


def _methods(service_class: type, kind: str) -> Iterator[tuple[str, Handles]]:
    for name, method in inspect.getmembers(service_class, inspect.isfunction):
        handles = getattr(method, _MARK, None)
        if handles is not None and handles.kind == kind:
            yield name, handles


def _name_of(class_: Any) -> str:
    """Return an event's name without its version."""
    name, _ = registry.split(registry.type_of(class_))
    _, newest = registry.newest(name)
    if newest is not class_:
        raise TypeError(f"{class_.__name__} is an old version of {name}: the handler gets {newest.__name__}")
    return name
