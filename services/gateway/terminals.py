"""What terminals say becomes entries of the gateway's log (T4): by HTTP, all or nothing, or by AMQP."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from services.gateway import store
from services.gateway.errors import InvalidEvent
from shared.bus.message import Message
from shared.contracts import cloudevents
from shared.contracts.cloudevents import TerminalEvent
from shared.contracts.envelope import Event, Undecodable, key_of
from shared.contracts.http.gateway import EventsAccepted
from shared.contracts.registry import type_of
from shared.storage import Storage, Transaction
from shared.web.tokens import Principal


def read_request(headers: Mapping[str, str], body: bytes, principal: Principal) -> list[TerminalEvent]:
    """Read and check every event of a request; raise :class:`InvalidEvent` that names index and field."""
    try:
        documents = cloudevents.from_http(headers, body)
    except Undecodable as why:
        raise _invalid(why) from why
    events = []
    for index, document in enumerate(documents):
        try:
            event = cloudevents.terminal_event(document)
        except Undecodable as why:
            raise _invalid(why, index if len(documents) > 1 else None) from why
        principal.require_branch(event.branchid)
        events.append(event)
    return events


def _invalid(why: Undecodable, index: int | None = None) -> InvalidEvent:
    place = [] if index is None else [str(index)]
    field = ".".join([*place, why.field] if why.field else place) or "body"
    detail = why.reason if index is None else f"event {index}: {why.reason}"
    return InvalidEvent(detail, errors=[{"field": field, "message": why.reason}], reason=why.code)


def accept(storage: Storage, events: Sequence[TerminalEvent]) -> EventsAccepted:
    """Append the events that are new, all in one transaction."""
    with storage.transaction(*{event.branchid for event in events}) as tx:
        ready = {event.key: event for event in (to_event(event, tx.now) for event in events)}
        new = tx.receive(ready)
        for key in ready:
            if key in new:
                append(tx, ready[key])
    return EventsAccepted(accepted=len(new), duplicates=len(events) - len(new))


def to_event(event: TerminalEvent, now: datetime) -> Event:
    """Make a log entry of what a terminal said. Each is a subject of its own: one that fails holds up no other."""
    key = key_of(event.source, event.id)
    return Event(
        id=event.id,
        source=event.source,
        type=type_of(type(event.data)),
        subject=key,
        time=event.time or now,
        branchid=event.branchid,
        correlationid=event.subject or key,
        sequence=1,
        recordedtime=now,
        traceparent=event.traceparent,
        data=event.data,
    )


def read_message(message: Message) -> Event:
    """Read a message of the terminals' queue; raise :class:`Undecodable`."""
    document = cloudevents.from_amqp(message.headers, message.content_type, message.body)
    # When it is stored, it gets the time of the transaction; until then any time will do.
    return to_event(cloudevents.terminal_event(document), datetime.fromtimestamp(0, UTC))


def append(tx: Transaction, event: Event) -> None:
    """Append a terminal's event to the log; the relay publishes it."""
    unset = event.time == event.recordedtime
    tx.append_event(
        event.model_copy(update={"recordedtime": tx.now, "time": tx.now if unset else event.time}), own=True
    )
    store.record_activity(tx.connection, {event.branchid: tx.now})
