"""Identifiers: UUIDv7, so that ids sort by the time they were made; and the partition that a branch's id falls in."""

from collections.abc import Callable
from zlib import crc32

import uuid_utils

PARTITIONS = 64


def partition_of(branch: str) -> int:
    """Return the partition of a branch: fixed for ever, the same in every process."""
    return crc32(branch.encode()) % PARTITIONS


IdFactory = Callable[[], str]
"""Makes a new, unique, opaque id. Injected, so that a replay is deterministic."""


def new_id() -> str:
    """Return a new UUIDv7 as text (RFC 9562)."""
    return str(uuid_utils.uuid7())
