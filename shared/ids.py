"""Identifiers: UUIDv7, so that ids sort by the time they were made."""

from collections.abc import Callable

import uuid_utils

IdFactory = Callable[[], str]
"""Makes a new, unique, opaque id. Injected, so that a replay is deterministic."""


def new_id() -> str:
    """Return a new UUIDv7 as text (RFC 9562)."""
    return str(uuid_utils.uuid7())
