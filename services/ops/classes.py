"""The service classes by their names: the only place that knows all of them."""

from collections.abc import Iterable
from importlib import import_module


def classes_of(services: Iterable[str]) -> list[type]:
    """Return the nameko class of each service: ``services.<name>.service:<Name>Service``."""
    return [getattr(import_module(f"services.{name}.service"), f"{name.capitalize()}Service") for name in services]
