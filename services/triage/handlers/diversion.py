"""Diversion, measured: whether who was guided to a device really used it (T3, T10)."""

from services.triage.errors import NoFittingDevice
from services.triage.handlers.unit_of_work import UnitOfWork
from services.triage.handlers.views import ticket_view
from services.triage.handlers.visits import decided, load
from services.triage.model import Visit, commands
from shared.contracts.events.triage import Channel
from shared.contracts.events.types import Reason
from shared.contracts.http.attention import DiversionStep
from shared.contracts.http.triage import TicketView

DEVICE_DOWN = Reason(
    rule="divert.device_down",
    zh="可办理的自助设备都已停用,请到柜台办理",
    en="No fitting device works any more: served at the counter",
)


def divert(uow: UnitOfWork, *, ticket_id: str, request: DiversionStep) -> TicketView:
    """Note that the customer accepted, declined, was done at the device, or comes back to the counter.

    Raises :class:`TicketNotFound`, :class:`IllegalTransition`, and :class:`NoFittingDevice` where the device that
    they go to doesn't do their business.
    """
    command = commands.Divert(
        ticket_id=ticket_id, at=uow.now, step=request.step, device_id=request.device_id, note=request.reason
    )
    visit = load(uow, ticket_id)
    happened = decided(visit, command)
    if happened and request.step == "accepted" and request.device_id is not None:
        _require_fitting(uow, visit, ticket_id, request.device_id)
    visit = uow.record_visit(visit, happened)
    return ticket_view(visit, visit.ticket(ticket_id), uow.now)


def guided_to(uow: UnitOfWork, channel: Channel, code: str) -> tuple[str, ...] | None:
    """Return the kinds of device that do a business and work, for a customer whom staff send to a channel.

    None where that is no guidance to a device: to another channel, or for a business that has no other.
    """
    business = uow.policy.businesses.get(code)
    if channel != "self_service" or (business is not None and business.channel == channel):
        return None
    return () if business is None else tuple(sorted(kinds_up(uow).intersection(business.devices)))


def kinds_up(uow: UnitOfWork) -> set[str]:
    """Return the kinds of device of which one works."""
    return {device.kind for device in uow.state.devices if device.status == "up"}


def fall_back(uow: UnitOfWork) -> int:
    """Let those wait for the counter who were guided to a device of which none works any more; return how many.

    They stay there when a device comes back: nobody is sent to and fro.
    """
    up = kinds_up(uow)
    gone = 0
    for ticket_id, code in uow.state.diverted():
        business = uow.policy.businesses.get(code)
        if business is None or any(kind in up for kind in business.devices):
            continue
        visit = load(uow, ticket_id)
        command = commands.Divert(ticket_id=ticket_id, at=uow.now, step="fell_back", why=DEVICE_DOWN, automatic=True)
        uow.record_visit(visit, decided(visit, command))
        gone += 1
    return gone


def _require_fitting(uow: UnitOfWork, visit: Visit, ticket_id: str, device_id: str) -> None:
    ticket = visit.ticket(ticket_id)
    business = uow.policy.businesses.get(ticket.business)
    kinds = () if business is None else business.devices
    devices = uow.state.devices
    fitting = [device.device_id for device in devices if device.status == "up" and device.kind in kinds]
    if device_id not in fitting:
        raise NoFittingDevice(
            f"device_id: {device_id!r} is no device that does {ticket.business} and works now",
            field="device_id",
            devices=fitting,
            state=ticket.state,
            errors=[{"field": "device_id", "message": "not a working device that does this business"}],
        )
