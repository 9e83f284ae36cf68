"""The domain of vip. Pure: no clock, no database, no framework."""

from services.vip.model.handoff import (
    ALLOWED,
    ENDED,
    Action,
    Handoff,
    NotAllowed,
    State,
    WithdrawReason,
    accept,
    apply,
    begin,
    complete,
    decline,
    time_out,
    withdraw,
)
from services.vip.model.happenings import (
    CustomerArrived,
    HandoffAccepted,
    HandoffCompleted,
    HandoffDeclined,
    HandoffEscalated,
    HandoffOffered,
    HandoffTimedOut,
    HandoffWithdrawn,
    Happening,
    LoungeSeated,
    LoungeTaskDue,
    Reason,
)
from services.vip.model.roster import (
    ListedTwice,
    Manager,
    ManagerKind,
    Roster,
    RosterSet,
    apply_roster,
    set_roster,
)
from services.vip.model.ticket import Ticket

__all__ = [
    "ALLOWED", "ENDED", "Action", "CustomerArrived", "Handoff", "HandoffAccepted", "HandoffCompleted",
    "HandoffDeclined", "HandoffEscalated", "HandoffOffered", "HandoffTimedOut", "HandoffWithdrawn", "Happening",
    "ListedTwice", "LoungeSeated", "LoungeTaskDue", "Manager", "ManagerKind", "NotAllowed", "Reason", "Roster",
    "RosterSet", "State", "Ticket", "WithdrawReason", "accept", "apply", "apply_roster", "begin", "complete",
    "decline", "set_roster", "time_out", "withdraw",
]  # fmt: skip
