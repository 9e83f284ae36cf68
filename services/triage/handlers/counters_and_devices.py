"""What serves: counters open and close, devices go down and come back; routing follows at once (T10)."""

from datetime import datetime
from typing import Literal

from services.triage.handlers.calling import require_untaken
from services.triage.handlers.diversion import fall_back
from services.triage.handlers.issue import business_of
from services.triage.handlers.transfer_targets import free_all
from services.triage.handlers.unit_of_work import UnitOfWork
from services.triage.handlers.validation import require_name
from services.triage.handlers.views import counter_view, device_view
from services.triage.model import Device
from shared.contracts.events.terminal import DeviceKind, DeviceReported
from shared.contracts.http.triage import CounterView, DeviceView, OpenCounter


def open_counter(uow: UnitOfWork, *, counter: str, request: OpenCounter) -> CounterView:
    """Open a counter, or change what an open one serves; once more changes nothing."""
    require_name("c", counter)
    for n, code in enumerate(request.businesses):
        business_of(uow.policy, code, f"businesses.{n}")
    before = uow.state.counter(counter)
    window = uow.record_counter(before, before.open(request.channels, request.teller_ref, request.businesses))
    if before.teller_ref != window.teller_ref:
        free_all(uow, before)
    return counter_view(window, uow.state.at_counter(counter), uow.now)


def close_counter(uow: UnitOfWork, *, counter: str) -> CounterView:
    """Close a counter; raise CounterBusy while it has a customer. Who waits for it alone waits for its channel."""
    before = uow.state.counter(counter)
    require_untaken(uow, counter)
    window = uow.record_counter(before, before.close())
    free_all(uow, before)
    return counter_view(window, None, uow.now)


def report_device(
    uow: UnitOfWork,
    *,
    device_id: str,
    kind: DeviceKind,
    status: Literal["up", "down"],
    detail: str | None,
    at: datetime | None = None,
) -> DeviceView:
    """Take a device's report of ``at``, by default now; one that is older than the newest known changes nothing.

    Only a change is an event. Who has no other device left goes to the counter.
    """
    require_name("d", device_id)
    before = uow.state.device_states.get(device_id) or Device(device_id=device_id, kind=kind)
    at = min(at or uow.now, uow.now)
    if before.knows_newer(at):
        return device_view(before)
    changed = before.report(kind, status, detail, at)
    if not changed and before.reported_at != at:
        uow.hear(DeviceReported(device_id=device_id, kind=kind, status=status, detail=detail), at)
    after = uow.record_device(before, changed)
    if after.status == "down" and before.status != "down":
        fall_back(uow)
    return device_view(after)
