"""What triage records: visits, tickets, counters and devices (T1-T12)."""

from shared.contracts.events.triage.appointments import (
    AppointmentArrived,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentEvent,
)
from shared.contracts.events.triage.attention import (
    CustomerCared,
    DiversionAccepted,
    DiversionCompleted,
    DiversionDeclined,
    DiversionFellBack,
    DiversionOffered,
    StarvationAlarmed,
    StarvationCleared,
    ThresholdCrossed,
    WaitPromiseBreached,
)
from shared.contracts.events.triage.counters import (
    CounterClosed,
    CounterEvent,
    CounterOpened,
    DeviceChanged,
    PolicyChanged,
)
from shared.contracts.events.triage.tickets import (
    NumberBlockLeased,
    ServiceStarted,
    StepUndone,
    TicketCalled,
    TicketCompleted,
    TicketHeld,
    TicketIssued,
    TicketLeft,
    TicketNoShow,
    TicketPrinted,
    TicketRecalled,
    TicketRefused,
    TicketReprinted,
    TicketReprioritised,
    TicketResumed,
    TicketReturned,
    TicketTransferred,
    VisitEnded,
)
from shared.contracts.events.triage.types import (
    Arrival,
    CallWay,
    CareAction,
    Channel,
    DeviceState,
    Form,
    OfTicket,
    Outcome,
    Overtaken,
    OvertakenLane,
    StarvationCause,
    TicketState,
)

Mark = (
    DiversionOffered | DiversionAccepted | DiversionDeclined | DiversionCompleted | DiversionFellBack
    | WaitPromiseBreached | StarvationAlarmed | StarvationCleared | CustomerCared
)  # fmt: skip
"""What is noted of a ticket without its going anywhere: no step, so that an undo passes it over."""

TicketEvent = (
    TicketIssued | TicketPrinted | TicketReprinted | TicketCalled | TicketRecalled | ServiceStarted | TicketCompleted
    | TicketNoShow | TicketReturned | TicketHeld | TicketResumed | TicketTransferred | TicketLeft | StepUndone
    | TicketReprioritised | Mark
)  # fmt: skip
VisitEvent = TicketEvent | VisitEnded

__all__ = [
    "AppointmentArrived", "AppointmentBooked", "AppointmentCancelled", "AppointmentEvent", "Arrival", "CallWay",
    "CareAction", "Channel", "CounterClosed", "CounterEvent", "CounterOpened", "CustomerCared", "DeviceChanged",
    "DeviceState", "DiversionAccepted", "DiversionCompleted", "DiversionDeclined", "DiversionFellBack",
    "DiversionOffered", "Form", "Mark", "NumberBlockLeased", "OfTicket", "Outcome", "Overtaken", "OvertakenLane",
    "PolicyChanged", "ServiceStarted", "StarvationAlarmed", "StarvationCause", "StarvationCleared", "StepUndone",
    "ThresholdCrossed", "TicketCalled", "TicketCompleted", "TicketEvent", "TicketHeld", "TicketIssued",
    "TicketLeft", "TicketNoShow", "TicketPrinted", "TicketRecalled", "TicketRefused", "TicketReprinted",
    "TicketReprioritised", "TicketResumed", "TicketReturned", "TicketState", "TicketTransferred", "VisitEnded",
    "VisitEvent", "WaitPromiseBreached",
]  # fmt: skip
