"""The words that the domain speaks: channels, states, and what is known of a customer."""

from dataclasses import dataclass
from typing import Literal

Channel = Literal[
    "counter", "self_service", "phone_bank", "online", "green", "vip", "corporate", "loan_desk", "wealth_desk",
    "corporate_desk",
]  # fmt: skip
TicketState = Literal["reserved", "waiting", "called", "serving", "held", "completed", "left"]
Outcome = Literal["served", "left"]
PaperReason = Literal["print_failed", "not_printed"]
"""Why a ticket's paper was given up: the printer failed, or nobody reported the paper in time (T4)."""
CardTier = Literal["none", "gold", "platinum", "private"]

Diversion = Literal["offered", "accepted", "declined", "completed", "fell_back"]
DiversionStep = Literal["accepted", "declined", "completed", "fell_back"]
CareAction = Literal["water", "seat", "reading", "apology", "other_channel", "escort", "other"]
StarvationCause = Literal["wait", "cap"]

Arrival = Literal["on_time", "early", "late"]

ENDED: frozenset[TicketState] = frozenset(("completed", "left"))
OPEN: frozenset[TicketState] = frozenset(("reserved", "waiting", "called", "serving", "held"))
IN_LOBBY: frozenset[TicketState] = frozenset(("reserved", "waiting"))
AT_COUNTER: frozenset[TicketState] = frozenset(("called", "serving"))


@dataclass(frozen=True, kw_only=True)
class Words:
    """A sentence or a name in the languages of the pages."""

    zh: str
    en: str


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a decision was made: the rule's name, and the same in words."""

    rule: str
    zh: str
    en: str


@dataclass(frozen=True, kw_only=True)
class Overtaken:
    """Somebody whom a call overtook, and how often that has happened to them, this call among it (T12)."""

    ticket_id: str
    number: str
    times: int


@dataclass(frozen=True, kw_only=True)
class Form:
    """A document or form that a business needs (T5)."""

    code: str
    name: Words


@dataclass(frozen=True, kw_only=True)
class Customer:
    """What is known of who asks (T1); no personal data."""

    customer_ref: str | None = None
    card_tier: CardTier = "none"
    card_token: str | None = None
    age: int | None = None
    mobility_impaired: bool = False
    pregnant: bool = False
    with_infant: bool = False
    urgent: bool = False
    party_size: int = 1
    appointment_id: str | None = None
