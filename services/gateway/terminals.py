"""What terminals say becomes entries of the gateway's log (T4): by HTTP, all or nothing, or by AMQP."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from services.gateway import store
from services.gateway.errors import InvalidEvent
from shared.bus.message import Message
from shared.contracts import cloudevents
from shared.contracts.cloudevents import TerminalEvent
from shared.contracts.envelope import Event, Undecodable
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
        ready = {event.id: to_event(event, tx.now) for event in events}
        _refuse_taken_ids(tx, events)
        new = tx.receive(ready)
        for id_ in ready:
            if id_ in new:
                append(tx, ready[id_])
    return EventsAccepted(accepted=len(new), duplicates=len(events) - len(new))


def _refuse_taken_ids(tx: Transaction, events: Sequence[TerminalEvent]) -> None:
    """An id that another source used means another event: taking it for a repetition would lose it."""
    known = store.sources(tx.connection, [event.id for event in events])
    for index, event in enumerate(events):
        other = known.setdefault(event.id, event.source)
        if other != event.source:
            message = f"id {event.id!r} was used by {other}; ids are unique (UUIDv7)"
            raise InvalidEvent(message, errors=[{"field": f"{index}.id", "message": message}], reason="id_taken")


def to_event(event: TerminalEvent, now: datetime) -> Event:
    """Make a log entry of what a terminal said. Each is a subject of its own: one that fails holds up no other."""
    return Event(
        id=event.id,
        source=event.source,
        type=type_of(type(event.data)),
        subject=event.id,
        time=event.time or now,
        branchid=event.branchid,
        correlationid=event.subject or event.id,
        sequence=1,
        recordedtime=now,
        traceparent=event.traceparent,
        data=event.data,
    )


def read_message(storage: Storage, message: Message) -> Event:
    """Read a message of the terminals' queue; raise :class:`Undecodable`."""
    document = cloudevents.from_amqp(message.headers, message.content_type, message.body)
    event = cloudevents.terminal_event(document)
    with storage.read() as connection:
        other = store.sources(connection, [event.id]).get(event.id, event.source)
    if other != event.source:
        raise Undecodable("id_taken", f"id: {event.id!r} was used by {other}; ids are unique (UUIDv7)", "id")
    # When it is stored, it gets the time of the transaction; until then any time will do.
    return to_event(event, datetime.fromtimestamp(0, UTC))


def append(tx: Transaction, event: Event) -> None:
    """Append a terminal's event to the log; the relay publishes it."""
    unset = event.time == event.recordedtime
    tx.append_event(
        event.model_copy(update={"recordedtime": tx.now, "time": tx.now if unset else event.time}), own=True
    )
    store.record_activity(tx.connection, {event.branchid: tx.now})
