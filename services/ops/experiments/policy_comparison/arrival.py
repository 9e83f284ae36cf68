"""A customer who comes: all that a run needs to know of them, wherever it was learned."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.events.terminal import TicketRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """Who comes when, asks for what, needs how long a service, and would wait how long (None: for ever).

    ``request`` is what a terminal sends for one business, so that a recorded ``ticket_requested`` is an arrival too.
    ``service_s`` is what a counter of average speed needs.
    """

    at: datetime
    request: TicketRequest
    service_s: float
    patience_s: float | None = None
