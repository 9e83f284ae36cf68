"""The 64 partitions of a log, which are the broker's routing prefixes and the queues' shares too."""

from zlib import crc32

PARTITIONS = 64


def partition_of(branch: str) -> int:
    """Return the partition of a branch: fixed for ever, the same in every process."""
    return crc32(branch.encode()) % PARTITIONS
