"""Aggregates as JSON bodies and rows, and back."""

from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from services.triage.model import Counter, Device, Ticket, Visit
from services.triage.policy import Estimator, Policy, Quote, alarm_due, care_due, rank

VISIT: TypeAdapter[Visit] = TypeAdapter(Visit)
COUNTER: TypeAdapter[Counter] = TypeAdapter(Counter)
DEVICE: TypeAdapter[Device] = TypeAdapter(Device)
ESTIMATOR: TypeAdapter[Estimator] = TypeAdapter(Estimator)
QUOTE: TypeAdapter[Quote] = TypeAdapter(Quote)

AWAY = "-"
"""What a line begins with that nobody calls from: of who is at a counter with another, or of a day gone by."""


def visit_row(visit: Visit, now: datetime) -> dict[str, Any]:
    """Return a visit's row."""
    return {
        "visit_id": visit.visit_id,
        "branch": visit.branch,
        "version": visit.version,
        "state": visit.outcome or "active",
        "business_date": visit.business_date,
        "body": VISIT.dump_json(visit).decode(),
        "touched": now,
    }


def ticket_row(policy: Policy, visit: Visit, ticket: Ticket, now: datetime) -> dict[str, Any]:
    """Return a ticket's row, as of one that nobody has overtaken."""
    since = ticket.waiting_since or (now if ticket.state == "waiting" else None)  # it may stand still
    return {
        "ticket_id": ticket.ticket_id,
        "visit_id": visit.visit_id,
        "branch": visit.branch,
        "business_date": visit.business_date,
        "number": ticket.number,
        "channel": ticket.channel,
        "state": ticket.state,
        "counter": ticket.counter,
        "lined": ticket.lined_at.timestamp(),
        "rank": rank(policy, ticket.lined_at, ticket.priority),
        "overtaken": 0,
        "joined_seq": 0,
        "counted_to": 0,
        "shield": 0,
        "shield_skill": 0,
        "waiting_from": None if since is None else since - timedelta(seconds=ticket.waited_s),
        "line": AWAY + ticket.line if ticket.late or visit.elsewhere(ticket.ticket_id) else ticket.line,
        "business": ticket.business,
        "customer_ref": ticket.customer.customer_ref,
        "card_token": ticket.customer.card_token,
        "diversion": ticket.diversion,
        "went": ticket.accepted_at is not None,
        "watch_at": alarm_due(policy, ticket),
        "care_at": care_due(policy, ticket),
        "alarmed": ticket.alarmed,
        "expires": now + timedelta(seconds=policy.reserved_expiry_s) if ticket.state == "reserved" else None,
    }


def counter_row(branch: str, counter: Counter) -> dict[str, Any]:
    """Return a counter's row."""
    return {
        "branch": branch,
        "counter": counter.counter,
        "version": counter.version,
        "is_open": counter.is_open,
        "body": COUNTER.dump_json(counter).decode(),
    }


def device_row(branch: str, device: Device) -> dict[str, Any]:
    """Return a device's row."""
    return {
        "branch": branch,
        "device_id": device.device_id,
        "version": device.version,
        "body": DEVICE.dump_json(device).decode(),
    }
