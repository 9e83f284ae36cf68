"""The numbers that a bank sets: who goes where, who is ahead of whom, and by how much."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from services.triage.model.words import CardTier, Channel

_PRIORITY: Mapping[CardTier, int] = MappingProxyType({"none": 0, "gold": 1, "platinum": 2, "private": 3})


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The default policy of a retail branch.

    A unit of priority is worth ``ageing_s`` seconds of waiting, so that nobody starves: who has waited
    that much longer is as far ahead as the priority. Beyond that, nobody is overtaken more than
    ``max_overtakes`` times (T6, T12).
    """

    green_age: int = 65
    small_withdrawal_minor: int = 2_000_000
    priority_of_tier: Mapping[CardTier, int] = field(default_factory=lambda: _PRIORITY)
    green_priority: int = 2
    ageing_s: float = 300.0
    max_overtakes: int = 10
    max_no_shows: int = 3
    early_s: float = 60.0
    """How far ahead of ours the clock of a terminal may be."""
    late_s: float = 36 * 3600.0
    """How long ago a customer may have asked, when a terminal had no network."""
    first_service_s: float = 300.0
    """The mean service that is assumed before the branch has a history (T9)."""
    smoothing: float = 0.1
    """The weight of the newest service in the running mean (T9)."""
    last_wait_weight: float = 0.5
    """How much of an estimate is the wait of who was called last (T9)."""
    least_p90_s: float = 30.0
    """No 90 % promise is shorter: it takes a moment to call even who finds a free counter (T9)."""


PREFIX: Mapping[Channel, str] = MappingProxyType(
    {
        "counter": "A", "green": "G", "vip": "V", "corporate": "C", "self_service": "S", "loan_desk": "L",
        "wealth_desk": "W", "corporate_desk": "K", "phone_bank": "P", "online": "O",
    }
)  # fmt: skip
"""The letter that a channel's numbers begin with (T4)."""

LINES: tuple[frozenset[Channel], ...] = (frozenset(("counter", "green")),)
"""Channels whose tickets stand in one line, since the same counters serve them."""


def line_of(channel: Channel) -> tuple[Channel, ...]:
    """Return the channels that share a line with this one, itself among them."""
    for line in LINES:
        if channel in line:
            return tuple(sorted(line))
    return (channel,)
