"""Connections to the broker, and which of their failures mean "try again"."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import structlog
from amqp.exceptions import AccessRefused, NotFound, PreconditionFailed
from eventlet import Timeout
from eventlet.patcher import is_monkey_patched
from kombu import Connection
from kombu.exceptions import OperationalError

from shared.bus.amqp_transport import BrokerConnection, BufferedConnection, tolerant
from shared.bus.topology import EXCHANGES, Queue

HEARTBEAT_S = 10
DEADLINE_S = 5.0

log = structlog.get_logger()


class BrokerRefused(Exception):
    """The broker has the queue or exchange with other arguments, or this user may not have it."""


class DeadlineExceeded(OSError):
    """The broker did not answer in time."""


def is_memory(url: str) -> bool:
    """Whether this is the embedded transport."""
    return url.startswith("memory:")


def open_connection(url: str) -> Connection:
    """Connect, within the deadline; raise one of :func:`failures`.

    ``?heartbeat=SECONDS`` behind the URL sets another heartbeat than :data:`HEARTBEAT_S`.
    """
    options = {} if is_memory(url) else {"write_timeout": DEADLINE_S, "frame_handler": tolerant}
    connection: Connection = BrokerConnection(  # type: ignore[no-untyped-call]
        url, connect_timeout=DEADLINE_S, heartbeat=0 if is_memory(url) else HEARTBEAT_S, transport_options=options
    )
    with deadline():
        connection.connect()
    return connection


FAILURES: tuple[type[BaseException], ...] = (OSError, OperationalError)


def failures(connection: Connection) -> tuple[type[BaseException], ...]:
    """Return the exceptions after which a connection is dropped and a new one is made."""
    return (*FAILURES, *connection.connection_errors, *connection.channel_errors)


@contextmanager
def deadline(seconds: float = DEADLINE_S) -> Iterator[None]:
    """Raise :class:`DeadlineExceeded` if the block, on a green thread, takes longer.

    A kernel thread relies on the socket's own timeouts.
    """
    if not is_monkey_patched("socket"):
        yield
        return
    with Timeout(seconds, DeadlineExceeded(f"the broker did not answer within {seconds:g} s")):
        yield


@contextmanager
def open_channel(connection: Connection) -> Iterator[Any]:
    """Open a channel, and close it where the block ended well.

    After a failure the connection is dropped anyway, and closing would wait for a broker that may be
    frozen. Only the embedded transport's channel is closed in any case: it gives its messages back.
    """
    with deadline():
        channel = connection.channel()
    try:
        yield channel
    except BaseException:
        if connection.transport.driver_type == "memory":
            channel.close()
        raise
    with deadline():
        channel.close()


def drain(connection: Connection, seconds: float) -> None:
    """Wait for an event; handle it and, from a broker, all that came with it. Raises TimeoutError."""
    amqp_connection = connection.connection
    if isinstance(amqp_connection, BufferedConnection):
        amqp_connection.drain_arrived(seconds)
    else:
        connection.drain_events(timeout=seconds)


def drop(connection: Connection | None) -> None:
    """Let go of a connection without waiting for the broker, as ``close`` would."""
    if connection is not None:
        try:
            connection.collect()
        except Exception as error:
            log.debug("connection_drop_failed", error=str(error))


def declare(connection: Connection, queues: Iterable[Queue]) -> None:
    """Declare all exchanges and these queues with their bindings.

    A user without the right to declare is content when the thing exists. Raises
    :class:`BrokerRefused` with what to do when the broker has it with other arguments.
    """
    for name, kind in EXCHANGES.items():
        _try(
            connection,
            f"exchange {name}",
            partial(_declare_exchange, name=name, kind=kind),
            partial(_declare_exchange, name=name, kind=kind, passive=True),
        )
    for queue in queues:
        _try(
            connection,
            f"queue {queue.name}",
            partial(_declare_queue, queue=queue),
            partial(_look_for_queue, queue=queue),
        )


def _declare_exchange(channel: Any, name: str, kind: str, passive: bool = False) -> None:
    channel.exchange_declare(name, kind, durable=True, auto_delete=False, passive=passive)


def _declare_queue(channel: Any, queue: Queue) -> None:
    channel.queue_declare(queue.name, durable=True, auto_delete=False, exclusive=False, arguments=queue.arguments)
    for exchange, key in queue.bindings:
        channel.queue_bind(queue.name, exchange, key, nowait=True)


def _look_for_queue(channel: Any, queue: Queue) -> None:
    channel.queue_declare(queue.name, passive=True)


def _try(
    connection: Connection, what: str, declare_it: Callable[[Any], None], look_for_it: Callable[[Any], None]
) -> None:
    try:
        with deadline(), open_channel(connection) as channel:  # a refusal closes the channel: each has its own
            declare_it(channel)
    except PreconditionFailed as error:
        raise BrokerRefused(
            f"{what} exists with other settings ({error.reply_text}); delete it on the broker or set LOBBY_QUEUES back"
        ) from error
    except AccessRefused:
        try:
            with deadline(), open_channel(connection) as channel:
                look_for_it(channel)
        except NotFound as error:
            raise BrokerRefused(f"{what} does not exist and this user may not declare it") from error
