"""Sets of states, and names that the domain alone has; those that its events carry are with the events."""

from typing import Literal

from shared.contracts.events.triage import TicketState

PaperReason = Literal["print_failed", "not_printed"]
"""Why a ticket's paper was given up: the printer failed, or nobody reported the paper in time (T4)."""

Diversion = Literal["offered", "accepted", "declined", "completed", "fell_back"]
DiversionStep = Literal["accepted", "declined", "completed", "fell_back"]

ENDED: frozenset[TicketState] = frozenset(("completed", "left"))
OPEN: frozenset[TicketState] = frozenset(("reserved", "waiting", "called", "serving", "held"))
IN_LOBBY: frozenset[TicketState] = frozenset(("reserved", "waiting"))
AT_COUNTER: frozenset[TicketState] = frozenset(("called", "serving"))
