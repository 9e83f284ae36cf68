"""What a service declares of its storage, found by the name of the service: ``services.<name>.store``.

Two names are looked for: ``metadata``, its own tables, and ``aggregate``, which makes its fold from the settings.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from sqlalchemy import MetaData

from shared.settings import Settings
from shared.storage.aggregate import Aggregate


def own_metadata(service: str) -> MetaData:
    """Return a service's own tables; none for a service that isn't one of ours, such as a benchmark's."""
    metadata = _declared(service, "metadata")
    return metadata if isinstance(metadata, MetaData) else MetaData()


def aggregate_of(service: str, settings: Settings) -> Aggregate[Any] | None:
    """Return how a service folds its log; None for one that keeps no state of its branches."""
    make = _declared(service, "aggregate")
    aggregate: Aggregate[Any] | None = None if make is None else make(settings)
    return aggregate


def _declared(service: str, name: str) -> Any:
    module = f"services.{service}.store"
    if find_spec(f"services.{service}") is None or find_spec(module) is None:
        return None
    return getattr(import_module(module), name, None)
