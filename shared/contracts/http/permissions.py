"""Who may do what: one row an operation or page, and what a role's token is good for.

HTTP, the pages, the stream, the command line and the OpenAPI document read it; nothing else decides by role. Rows
that depend on more than the role say so: a supervisor's dead letters and a lobby manager's journal are those of the
branches that the token covers, as everywhere.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Final, get_args

from shared.contracts.base import Role

EVERYONE: Final[frozenset[Role]] = frozenset(get_args(Role))


def _roles(*roles: Role) -> frozenset[Role]:
    return frozenset(roles)


BUT_SCREENS: Final = EVERYONE - _roles("display")
"""A screen in the hall is in everybody's sight: it reads its stream, the queue and the clock, and nothing else."""
STAFF: Final = _roles("teller", "lobby_manager", "customer_manager", "supervisor")
"""Who works in a branch. Operations runs the system, and the auditor reads: neither acts in a branch's name."""
READERS: Final = STAFF | _roles("operations", "auditor")
TICKETS: Final = STAFF | _roles("terminal")
IN_CHARGE: Final = _roles("lobby_manager", "supervisor")
DEVICES: Final = IN_CHARGE | _roles("terminal")
HANDOFFS: Final = IN_CHARGE | _roles("customer_manager")
JOURNAL: Final = IN_CHARGE | _roles("operations", "auditor")

PERMISSIONS: Final[Mapping[str, frozenset[Role]]] = {
    # tickets
    "takeTicket": TICKETS, "ticketPrinted": TICKETS, "printFailed": TICKETS, "reprint": TICKETS,
    "leaseNumbers": TICKETS, "ticket": BUT_SCREENS, "queue": EVERYONE, "fairness": READERS,
    "bookAppointments": TICKETS, "cancelAppointment": TICKETS, "appointments": READERS,
    # at a counter
    "openCounter": STAFF, "closeCounter": STAFF, "callNext": STAFF, "callNumber": STAFF, "recall": STAFF,
    "start": STAFF, "complete": STAFF, "noShow": STAFF, "comeBack": STAFF, "hold": STAFF, "resume": STAFF,
    "transfer": STAFF, "left": STAFF, "undo": STAFF,
    # the lobby; a device says itself how it is, and who went to it
    "care": READERS, "cared": IN_CHARGE, "diversion": DEVICES,
    "deviceStatus": DEVICES, "policy": BUT_SCREENS, "setPolicy": _roles("supervisor"),
    "clearPolicy": _roles("supervisor"),
    # vip
    "vipArrive": TICKETS, "vip": READERS, "acceptHandoff": HANDOFFS, "declineHandoff": HANDOFFS,
    "completeHandoff": HANDOFFS, "roster": READERS, "setRoster": IN_CHARGE,
    # incidents
    "openIncident": STAFF, "recordStep": STAFF, "closeIncident": IN_CHARGE, "amendIncident": _roles("supervisor"),
    "incident": READERS, "incidentTimeline": READERS, "incidents": READERS,
    # the work log and the journal
    "worklog": READERS, "recordChecks": IN_CHARGE, "addNote": IN_CHARGE, "closeDay": _roles("lobby_manager"),
    "journal": JOURNAL, "verifyJournal": JOURNAL,
    # the gateway
    "postEvents": TICKETS, "stream": EVERYONE, "branches": BUT_SCREENS, "clock": EVERYONE,
    "deadLetters": _roles("supervisor", "operations", "auditor"),
    "retryDeadLetter": _roles("operations"), "discardDeadLetter": _roles("operations"),
    # its pages
    "homePage": EVERYONE, "dashboardPage": EVERYONE, "worklogPage": READERS, "staticFile": EVERYONE,
    "signIn": EVERYONE, "signOut": EVERYONE,
}  # fmt: skip
"""Operation by role."""

STREAMED: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "display": {
        "lobby.triage.ticket_called.v1": ("number", "counter"),
        "lobby.triage.ticket_recalled.v1": ("number", "counter"),
        "lobby.triage.threshold_crossed.v1": (),
    },
    "terminal": {"lobby.triage.ticket_issued.v1": (), "lobby.triage.ticket_refused.v1": ()},
}
"""What the stream holds for roles that don't read everything: event types, and of an event's data which fields.

No fields named: the whole event. A display shows calls and waits; a terminal hears what became of requests.
"""

LONGEST_LIFE: Final[Mapping[Role, timedelta]] = {
    "terminal": timedelta(days=400), "display": timedelta(days=400), "auditor": timedelta(days=31),
    "teller": timedelta(hours=24), "lobby_manager": timedelta(hours=24), "customer_manager": timedelta(hours=24),
    "supervisor": timedelta(hours=24), "operations": timedelta(hours=24),
}  # fmt: skip
"""How long a token of a role may hold; one of several roles holds as long as the shortest of them."""


def longest_life(roles: Collection[str]) -> timedelta:
    """Return how long a token of these roles may hold; unknown roles are good for nothing, and don't count."""
    return min((life for role, life in LONGEST_LIFE.items() if role in roles), default=timedelta.max)


def streamed_to(roles: Collection[str]) -> Mapping[str, tuple[str, ...]] | None:
    """Return the event types, with their fields, that the stream holds for these roles; None: everything.

    Whoever is more than a display or a terminal sees more than it.
    """
    known = EVERYONE & frozenset(roles)
    if known - STREAMED.keys():
        return None
    return {type_: fields for role in sorted(known) for type_, fields in STREAMED[role].items()}
