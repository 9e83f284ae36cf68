"""What vip keeps of a VIP customer's ticket, so that the printed paper becomes an arrival."""

from dataclasses import dataclass
from datetime import date

from shared.contracts.events.types import CardTier


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A ticket of the VIP channel. ``over``: it was called at a window, or its customer left."""

    ticket_id: str
    visit_id: str
    number: str
    business_date: date
    tier: CardTier = "none"
    business: str | None = None
    customer_ref: str | None = None
    handoff_id: str | None = None
    over: bool = False
