"""Who comes to an appointment: in time, too early or too late (T11)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.triage.model.appointment import Appointment
from services.triage.policy.rules import Policy
from shared.contracts.events.triage import Arrival
from shared.contracts.events.types import Reason

UNKNOWN = Reason(rule="appointment.unknown", zh="未找到该预约,按现场客户办理", en="No such appointment: as a walk-in")
USED = Reason(rule="appointment.used", zh="该预约已取过号,按现场客户办理", en="The appointment has a ticket: a walk-in")

CANCELLED = Reason(
    rule="appointment.cancelled", zh="该预约已取消,按现场客户办理", en="The appointment was cancelled: a walk-in"
)

OTHER = Reason(
    rule="appointment.other_business",
    zh="预约的是其他业务,按现场客户办理",
    en="The appointment is for another business: a walk-in",
)


@dataclass(frozen=True, kw_only=True)
class CheckIn:
    """What an appointment gives who comes: a priority and a place in the line; neither to a walk-in."""

    reason: Reason
    arrival: Arrival | None = None
    priority: int = 0
    lined_at: datetime | None = None


def check_in(policy: Policy, appointment: Appointment | None, business: str, asked: datetime) -> CheckIn:
    """Return what coming for a business at ``asked`` makes of an appointment.

    In time: its priority. Too early: its priority, and the place of the slot, so that nobody gains by
    coming early. Too late, unknown, used, cancelled or for another business: as one without an appointment.
    """
    if appointment is None or appointment.slot_at is None:
        return CheckIn(reason=UNKNOWN)
    if appointment.arrival is not None:
        return CheckIn(reason=USED)
    if appointment.cancelled:
        return CheckIn(reason=CANCELLED)
    if appointment.business != business:
        return CheckIn(reason=OTHER)
    slot = appointment.slot_at
    if asked > slot + timedelta(seconds=policy.appointment_late_s):
        why = Reason(rule="appointment.late", zh="迟到超过宽限,按现场客户办理", en="Too late for the slot: a walk-in")
        return CheckIn(reason=why, arrival="late")
    if asked < slot - timedelta(seconds=policy.appointment_early_s):
        why = Reason(rule="appointment.early", zh="早于预约时段,按预约时间排位", en="Early: stands where the slot is")
        return CheckIn(reason=why, arrival="early", priority=policy.appointment_priority, lined_at=slot)
    why = Reason(rule="appointment.on_time", zh="按时赴约,优先叫号", en="In time for the appointment: priority")
    return CheckIn(reason=why, arrival="on_time", priority=policy.appointment_priority)
