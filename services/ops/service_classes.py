"""The service classes by their names, and the queues that follow from their event handlers."""

from collections.abc import Iterable
from importlib import import_module

from shared.bus.event_handlers import subscriptions_of
from shared.bus.topology import Topology
from shared.settings import SERVICES


def classes_of(services: Iterable[str]) -> list[type]:
    """Return the nameko class of each service: ``services.<name>.service:<Name>Service``."""
    return [getattr(import_module(f"services.{name}.service"), f"{name.capitalize()}Service") for name in services]


def topology_of(shares: int) -> Topology:
    """Return every queue of the system: a service has ``shares`` for the events that its handlers are for."""
    subscriptions = map(subscriptions_of, classes_of(SERVICES))
    return Topology(subscriptions=dict(zip(SERVICES, subscriptions, strict=True)), shares=shares)
