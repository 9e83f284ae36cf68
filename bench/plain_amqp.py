"""Contender: ours on py-amqp's own socket, which reads a frame and writes a message at a time (ADR 0015)."""

# ruff: noqa: E402 - the patch comes before everything that opens sockets
from shared.bus.eventlet_patch import patch

patch()

from collections.abc import Sequence

import amqp
from kombu import Connection

from bench import ours
from shared.bus import connection, database
from shared.bus.publisher import AmqpPublisher, Outgoing, Publisher


class PlainPublisher(AmqpPublisher):
    """Has py-amqp write each message."""

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Send all, then wait until each tag is confirmed."""
        channel = self._open()
        for message in messages:
            self._tag += 1
            self._pending[self._tag] = message.id
            properties = {"content_type": message.content_type, "message_id": message.id, "delivery_mode": 2}
            channel.basic_publish(
                amqp.Message(message.body, **properties),
                message.exchange,
                message.key,
                mandatory=not self._offered,
            )
        self._await_confirms()


def open_publisher(of: ours.BenchDatabase) -> Publisher:
    """Publish without our socket."""
    return PlainPublisher(of.settings.amqp_url, [ours.OUT])


def open_offerer(url: str) -> Publisher:
    """Offer without our socket."""
    return PlainPublisher(url, (), offered=True)


if __name__ == "__main__":
    connection.BrokerConnection = Connection  # type: ignore[assignment,misc]
    database.open_offerer = open_offerer
    ours.BenchDatabase.open_publisher = open_publisher  # type: ignore[method-assign,assignment]
    ours.main()
