"""Every call of every service, and which service an address belongs to."""

from shared.contracts.http import appointments, attention, fairness, gateway, incidents, triage, vip, worklog
from shared.contracts.http.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *triage.OPERATIONS, *fairness.OPERATIONS, *attention.OPERATIONS, *appointments.OPERATIONS,
    *vip.OPERATIONS, *incidents.OPERATIONS, *worklog.OPERATIONS, *gateway.OPERATIONS,
)  # fmt: skip


def owner_of(path: str) -> str | None:
    """Return the service that serves this path, or None where no call has it."""
    return next((operation.service for operation in OPERATIONS if operation.pattern.fullmatch(path)), None)
