"""Appointments as rows, and back (T11)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import bindparam, select

from services.triage.model import Appointment
from services.triage.store import tables
from services.triage.store.records import Records

APPOINTMENT: TypeAdapter[Appointment] = TypeAdapter(Appointment)
_appointment = tables.appointment.c

ONE = select(_appointment.body).where(
    _appointment.branch == bindparam("of_branch"), _appointment.appointment_id == bindparam("wanted")
)
SLOTS = (
    select(_appointment.body)
    .where(
        _appointment.branch == bindparam("of_branch"),
        _appointment.slot_at >= bindparam("begin"),
        _appointment.slot_at < bindparam("until"),
    )
    .order_by(_appointment.slot_at, _appointment.appointment_id)
)


def appointment_row(branch: str, appointment: Appointment) -> dict[str, Any]:
    """Return an appointment's row."""
    return {
        "branch": branch,
        "appointment_id": appointment.appointment_id,
        "slot_at": appointment.slot_at,
        "version": appointment.version,
        "body": APPOINTMENT.dump_json(appointment).decode(),
    }


class Appointments(Records):
    """The appointments, for looking."""

    def appointments(self, branch: str, begin: datetime, end: datetime) -> Sequence[Appointment]:
        """Return the appointments with a slot from ``begin`` until ``end``, in their order."""
        given = {"of_branch": branch, "begin": begin, "until": end}
        return [APPOINTMENT.validate_json(body) for body in self.connection.execute(SLOTS, given).scalars()]
