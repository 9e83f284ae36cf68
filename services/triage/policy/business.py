"""What a customer can want: its names, its channel, what to bring (T5), and which devices can do it (T3)."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from shared.contracts.events.triage import Channel
from shared.contracts.events.types import LocalizedText

Diversion = Literal["never", "always", "small"]
DeviceKind = Literal["atm", "crs", "vtm", "kiosk", "printer", "display", "phone"]


@dataclass(frozen=True, kw_only=True)
class Paper:
    """Something that a business needs on paper (T5)."""

    kind: Literal["document", "form"]
    """A document is brought along; a form is filled in here."""
    name: LocalizedText
    """What customers and staff read, in both languages."""


@dataclass(frozen=True, kw_only=True)
class Business:
    """What a customer can want."""

    name: LocalizedText
    """What customers and staff read, in both languages."""
    channel: Channel
    """Where it is served when nothing else decides."""
    forms: tuple[str, ...] = ()
    """The documents and forms that it needs, by their codes (T5)."""
    diversion: Diversion = "never"
    """Whether a working device may do it instead: never, any amount, or small amounts (T3)."""
    devices: tuple[DeviceKind, ...] = ()
    """The kinds of device that can do it."""


def close_matches(code: str, among: Iterable[str]) -> tuple[str, ...]:
    """Return the words that look like a mistyped one, the closest first."""
    return tuple(get_close_matches(code, list(among), n=3, cutoff=0.5))
