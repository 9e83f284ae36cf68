"""What serves: counters open and close, devices go down and come back; routing follows at once (T10)."""

from datetime import datetime
from typing import Literal

from services.triage.handlers.calling import require_untaken
from services.triage.handlers.diversion import fall_back
from services.triage.handlers.house import House
from services.triage.handlers.issue import business_of
from services.triage.handlers.names import require_name
from services.triage.handlers.ports import Desk
from services.triage.handlers.targets import free_all
from services.triage.handlers.views import counter_view, device_view
from services.triage.model import Device
from shared.contracts.http.triage import CounterView, DeviceView, OpenCounter


def open_counter(desk: Desk, house: House, *, branch: str, counter: str, request: OpenCounter) -> CounterView:
    """Open a counter, or change what an open one serves; once more changes nothing."""
    require_name("c", counter)
    for n, code in enumerate(request.businesses):
        business_of(house.policy, code, f"businesses.{n}")
    before = desk.counter(branch, counter)
    window = desk.record_counter(branch, before, before.open(request.channels, request.teller_ref, request.businesses))
    if before.teller_ref != window.teller_ref:
        free_all(desk, branch, before)
    return counter_view(window, desk.at_counter(branch, counter), desk.now)


def close_counter(desk: Desk, house: House, *, branch: str, counter: str) -> CounterView:
    """Close a counter; raise CounterBusy while it has a customer. Who waits for it alone waits for its channel."""
    before = desk.counter(branch, counter)
    require_untaken(desk, branch, counter)
    window = desk.record_counter(branch, before, before.close())
    free_all(desk, branch, before)
    return counter_view(window, None, desk.now)


def report_device(
    desk: Desk,
    house: House,
    *,
    branch: str,
    device_id: str,
    kind: str,
    status: Literal["up", "down"],
    detail: str | None,
    at: datetime | None = None,
) -> DeviceView:
    """Take a device's report of ``at``, by default now; one that is older than the newest known changes nothing.

    Only a change is an event. Who has no other device left goes to the counter.
    """
    require_name("d", device_id)
    known = {device.device_id: device for device in desk.devices(branch)}
    before = known.get(device_id) or Device(device_id=device_id, kind=kind)
    at = min(at or desk.now, desk.now)
    if before.knows_newer(at):
        return device_view(before)
    after = desk.record_device(branch, before.heard(at), before.report(kind, status, detail))
    if after.status == "down" and before.status != "down":
        fall_back(desk, house, branch=branch)
    return device_view(after)
