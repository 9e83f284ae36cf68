"""What a service remembers of its branches from one transaction to the next."""

from collections.abc import Hashable, Mapping
from typing import Any

Remembered = dict[Hashable, Any]
"""Of one partition, by branch and kind."""


class Memory:
    """Keeps what was seen of a partition while its head stands where this process left it.

    Every change of a branch appends to its partition, whatever process makes it: the same head means that
    nothing has changed. A transaction takes the memory out and puts it back when it has committed, so one
    that fails after it changed something leaves none.
    """

    def __init__(self) -> None:
        """Nothing is known."""
        self._known: dict[int, tuple[int, Remembered]] = {}

    def take(self, heads: Mapping[int, int]) -> dict[int, Remembered]:
        """Return what is known of these partitions, which are locked at these positions."""
        taken: dict[int, Remembered] = {}
        for pp, pos in heads.items():
            left_at, remembered = self._known.pop(pp, (pos, {}))
            taken[pp] = remembered if left_at == pos else {}
        return taken

    def put(self, heads: Mapping[int, int], remembered: Mapping[int, Remembered]) -> None:
        """Keep it for whoever finds the partitions at these positions."""
        for pp, pos in heads.items():
            self._known[pp] = (pos, remembered[pp])
