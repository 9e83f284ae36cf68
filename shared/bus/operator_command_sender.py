"""Sends operators' commands to the consumers whose messages became dead letters."""

import threading
from typing import Any

from nameko.extensions import DependencyProvider

from shared.bus.message import CONTROL_TYPE
from shared.bus.publisher import Outgoing, Publisher, open_publisher
from shared.bus.topology import CONTROL
from shared.errors import Unavailable


class OperatorCommandSender:
    """Sends a command to one queue."""

    def __init__(self, publisher: Publisher) -> None:
        """``publisher`` connects with the first command."""
        self._publisher = publisher
        self._lock = threading.Lock()

    def send(self, queue: str, body: bytes, id_: str) -> None:
        """Send a command to one queue; raise :class:`Unavailable` when the broker doesn't take it."""
        command = Outgoing(exchange=CONTROL, key=queue, body=body, id=id_, content_type=CONTROL_TYPE)
        with self._lock:
            try:
                self._publisher.publish([command])
            except Exception as error:
                raise Unavailable(f"the broker did not take the command: {error}") from error


class OperatorCommandsProvider(DependencyProvider):
    """Hands a service its :class:`OperatorCommandSender`."""

    def setup(self) -> None:
        """Connect to nothing yet."""
        settings, topology = self.container.config["settings"], self.container.config["topology"]
        self._sender = OperatorCommandSender(open_publisher(settings.amqp_url, list(topology.all_queues())))

    def get_dependency(self, worker_ctx: Any) -> OperatorCommandSender:
        """Return the sender."""
        return self._sender
