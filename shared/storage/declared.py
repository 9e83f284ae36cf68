"""What a service declares of its storage, found by the name of the service: ``services.<name>.store``.

Looked for are ``metadata``, its own tables; ``aggregate``, which makes its fold from the settings; ``project``,
which makes rows of an event; ``heard``, which makes from the settings what folds others' events into rows, where those
are not in the log; and ``projected``, the tables that these rows are of.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from sqlalchemy import MetaData, Table

from shared.settings import Settings
from shared.storage.aggregate import Aggregate
from shared.storage.projection import HeardProjection, Project, no_rows


def own_metadata(service: str) -> MetaData:
    """Return a service's own tables; none for a service that isn't one of ours, such as a benchmark's."""
    metadata = _declared(service, "metadata")
    return metadata if isinstance(metadata, MetaData) else MetaData()


def aggregate_of(service: str, settings: Settings) -> Aggregate[Any] | None:
    """Return how a service folds its log; None for one that keeps no state of its branches."""
    make = _declared(service, "aggregate")
    aggregate: Aggregate[Any] | None = None if make is None else make(settings)
    return aggregate


def projection_of(service: str) -> Project:
    """Return which rows a service's events make; none for one that projects nothing."""
    project: Project = _declared(service, "project") or no_rows
    return project


def heard_projection_of(service: str, settings: Settings) -> HeardProjection | None:
    """Return which rows others' events make; None for a service that keeps them nowhere but in its log."""
    make = _declared(service, "heard")
    heard: HeardProjection | None = None if make is None else make(settings)
    return heard


def projected_tables(service: str) -> tuple[Table, ...]:
    """Return the tables that a service's projection writes, each with a ``branch``."""
    tables: tuple[Table, ...] = _declared(service, "projected") or ()
    return tables


def _declared(service: str, name: str) -> Any:
    module = f"services.{service}.store"
    if find_spec(f"services.{service}") is None or find_spec(module) is None:
        return None
    return getattr(import_module(module), name, None)
