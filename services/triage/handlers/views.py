"""The answers: the lobby's state in the words of the HTTP contract."""

from collections import Counter as Counted
from collections.abc import Mapping
from datetime import datetime
from typing import get_args

from services.triage.handlers.estimates import Outlook, correct, correct_all, outlook
from services.triage.handlers.unit_of_work import LobbyReader
from services.triage.handlers.visits import load
from services.triage.model import Counter, Device, Ticket, Visit
from services.triage.model.visit import Diversion
from services.triage.policy import UNTAUGHT, ChannelQueue, Group, Policy, Quote, in_turn, line_name
from shared.contracts.events.triage import Channel
from shared.contracts.http.triage import (
    ChannelView,
    CounterView,
    DeviceView,
    DiversionsView,
    Promises,
    QueueView,
    TicketView,
    Wait,
)

WAITING_LIMIT = 500
"""How many waiting tickets a look at the queue shows."""


def ticket_view(
    visit: Visit, ticket: Ticket, now: datetime, overtaken: int | None = None, quote: Quote | None = None
) -> TicketView:
    """Return a ticket as it is now; ``overtaken``: how often, ``quote``: how much longer, where that was asked."""
    return TicketView(
        visit_id=visit.visit_id,
        ticket_id=ticket.ticket_id,
        number=ticket.number,
        channel=ticket.channel,
        business=ticket.business,
        business_date=visit.business_date,
        state=ticket.state,
        priority=ticket.priority,
        counter=ticket.counter,
        no_shows=ticket.no_shows,
        for_counter=ticket.for_counter,
        for_person=ticket.for_person,
        copies=ticket.copies,
        requested_at=ticket.requested_at,
        called_at=ticket.called_at,
        started_at=ticket.started_at,
        ended_at=ticket.ended_at,
        waited_s=ticket.waited(now),
        outcome=ticket.outcome,
        overtaken=overtaken,
        wait=None if quote is None else _wait(quote),
    )


def one_ticket(lobby: LobbyReader, *, ticket_id: str) -> TicketView:
    """Return a ticket by its id, with how much longer it waits; raise TicketNotFound."""
    visit, now = load(lobby, ticket_id), lobby.now
    ticket = visit.ticket(ticket_id)
    if ticket.state != "waiting" or visit.elsewhere(ticket_id):
        return ticket_view(visit, ticket, now)
    return ticket_view(visit, ticket, now, quote=correct(lobby, outlook(lobby), ticket))


def counter_view(counter: Counter, taken: tuple[Visit, Ticket] | None, now: datetime) -> CounterView:
    """Return a counter with the ticket that it called or serves."""
    return CounterView(
        counter=counter.counter,
        state="open" if counter.is_open else "closed",
        channels=counter.channels,
        businesses=counter.businesses,
        serving=None if taken is None else ticket_view(*taken, now),
    )


def device_view(device: Device) -> DeviceView:
    """Return a device as it was last reported."""
    return DeviceView(device_id=device.device_id, kind=device.kind, status=device.status or "up", detail=device.detail)


def queue_view(lobby: LobbyReader) -> QueueView:
    """Return the lobby now: lines, counters, devices and the day's totals (T8-T10)."""
    now, today, view = lobby.now, lobby.today, outlook(lobby)
    lines, taken = lobby.state.channel_lines(now), lobby.state.at_counters()
    totals = lobby.state.totals(today)
    return QueueView(
        branch=lobby.branch,
        at=now,
        business_date=today,
        channels=tuple(_channel(lobby.policy, channel, view, lines, now) for channel in get_args(Channel)),
        waiting=_waiting(lobby, view),
        counters=tuple(counter_view(counter, taken.get(counter.counter), now) for counter in lobby.state.counters),
        devices=tuple(device_view(device) for device in lobby.state.devices),
        diversion=_diversions(lobby.state.diversions(today)),
        issued_today=sum(totals.values()),
        served_today=totals.get("completed", 0),
        left_today=totals.get("left", 0),
    )


def _waiting(lobby: LobbyReader, view: Outlook) -> tuple[TicketView, ...]:
    found = {ticket.ticket_id: (visit, ticket) for visit, ticket in lobby.state.waiting()[:WAITING_LIMIT]}
    standing = {ticket_id: lobby.state.queue.guarded_position(ticket_id) for ticket_id in found}
    order = in_turn(lobby.policy, list(standing.values()))
    in_line = [found[one][1] for one in order if not found[one][0].elsewhere(one)]
    quotes = correct_all(lobby.policy, view, in_line)
    return tuple(ticket_view(*found[one], view.now, standing[one].times, quotes.get(one)) for one in order)


def _diversions(found: Mapping[tuple[Diversion, bool], int]) -> DiversionsView:
    by: Counted[str] = Counted()
    for (diversion, _), number in found.items():
        by[diversion] += number
    ended = by["declined"] + by["completed"] + by["fell_back"]
    return DiversionsView(
        offered=by.total(),
        accepted=sum(number for (_, went), number in found.items() if went),
        declined=by["declined"],
        completed=by["completed"],
        fell_back=by["fell_back"],
        under_way=by["offered"] + by["accepted"],
        completed_share=round(by["completed"] / ended, 4) if ended else 0.0,
    )


def _channel(
    policy: Policy, channel: Channel, view: Outlook, lines: Mapping[Channel, ChannelQueue], now: datetime
) -> ChannelView:
    quote = view.quote(policy, channel, 0, view.waiting(channel))
    line = lines.get(channel)
    serving = [window for window in view.windows if channel in window.channels]
    return ChannelView(
        channel=channel,
        waiting=0 if line is None else line.waiting,
        longest_wait_s=0 if line is None else max(0.0, (now - line.longest_from).total_seconds()),
        wait=_wait(quote),
        promises=_promises(view, channel),
        counters=len(serving),
        idle=sum(window.counter not in view.busy for window in serving),
        load=round(view.waiting(channel) / len(serving), 3) if serving else None,
    )


def _promises(view: Outlook, channel: Channel) -> Promises | None:
    """Return how the channel's promises were kept: its priorities', weighed by how many were called."""
    groups = view.estimators.get(line_name(channel), UNTAUGHT).groups
    found = [group for name, group in groups.items() if Group.named(name).channel == channel]
    judged = sum(group.judged for group in found)
    if not judged:
        return None
    kept = sum(group.judged * group.kept for group in found) / judged
    error_s = sum(group.judged * group.error_s for group in found) / judged
    return Promises(judged=judged, kept=round(kept, 4), error_s=round(error_s, 1))


def _wait(quote: Quote) -> Wait:
    return Wait(p50_s=quote.p50_s, p90_s=quote.p90_s)
