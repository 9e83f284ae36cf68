"""Operators' commands to a consumer: try a dead letter again, or discard it; then what waited behind it goes on.

A command is what was published to the exchange of commands, where none but the gateway may publish: its content type
says nothing, since anybody can write one.
"""

import threading
from functools import partial
from typing import Annotated, Any, Literal

import orjson
from nameko.extensions import DependencyProvider
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from shared.bus import dead_letters
from shared.bus.dead_letters import Failure, describe
from shared.bus.inbox import Inbox
from shared.bus.message import CONTROL_TYPE, Message
from shared.bus.publisher import Outgoing, Publisher, open_publisher
from shared.bus.retry import Cancelled
from shared.bus.topology import CONTROL
from shared.contracts.envelope import Undecodable
from shared.errors import Unavailable
from shared.storage import Transaction


def _latin_1(body: str) -> str:
    body.encode("latin-1")  # a UnicodeEncodeError is a ValueError
    return body


class Original(BaseModel):
    """A message that the broker moved to the dead letters by itself; its bytes as the characters 0 to 255."""

    model_config = ConfigDict(strict=True, frozen=True)

    body: Annotated[str, AfterValidator(_latin_1)]
    content_type: str | None


class OperatorCommand(BaseModel):
    """What an operator wants to happen to a dead letter: ``retry`` or ``discard`` it.

    ``message`` is the message itself where the broker moved it to the dead letters: the service doesn't know it then.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    action: Literal["retry", "discard"]
    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    message: Original | None = None


def read_operator_command(message: Message) -> OperatorCommand | None:
    """Return the command that a message is; None for an event, and for a command that can't be read."""
    if message.exchange != CONTROL:
        return None
    try:
        return OperatorCommand.model_validate_json(message.body)
    except ValidationError:
        return None


def write_operator_command(action: str, dead_letter: str, original: tuple[bytes, str | None] | None = None) -> bytes:
    """Write a command; ``original`` is the body and content type of a message that the broker moved itself."""
    document: dict[str, Any] = {"action": action, "id": dead_letter}
    if original is not None:
        document["message"] = {"body": original[0].decode("latin-1"), "content_type": original[1]}
    return orjson.dumps(document)


def carry_out(command: OperatorCommand, inbox: Inbox, *, queue: str) -> Message | None:
    """Retry or discard a dead letter of this queue, then let go what waited behind it, in order.

    Returns a message that is to be handled as if it had just arrived: one that the broker moved to the dead letters.
    """
    letter = inbox.record(partial(dead_letters.find, id_=command.id))
    if letter is None:
        return None if command.message is None or command.action != "retry" else _as_arrived(command.message, queue)
    message = Message(queue=letter["queue"], body=letter["body"], content_type=letter["content_type"])
    if command.action == "retry":
        if not _retry(command.id, message, inbox):
            return None
    else:
        discard = partial(dead_letters.settle, id_=command.id, state="discarded")
        inbox.retry_until_available(lambda: inbox.discard(message, discard))
    if letter["subject"]:
        _release(letter["subject"], letter["queue"], inbox)
    return None


def _as_arrived(original: Original, queue: str) -> Message:
    return Message(queue=queue, body=original.body.encode("latin-1"), content_type=original.content_type)


def _retry(id_: str, message: Message, inbox: Inbox) -> bool:
    """Try once; say whether the dead letter is resolved."""
    resolve = partial(dead_letters.settle, id_=id_, state="resolved")
    try:
        event = inbox.event_of(message)
        inbox.retry_until_available(lambda: inbox.handle_again(event, resolve))
        return True
    except Cancelled:
        raise
    except Exception as error:
        code, reason = (error.code, error.reason) if isinstance(error, Undecodable) else ("failed", describe(error))
        failure = Failure(code=code, reason=reason)
        inbox.record(partial(dead_letters.failed_again, id_=id_, failure=failure))
        return False


def _release(subject: str, queue: str, inbox: Inbox) -> None:
    """Handle what is parked, one after the other; the first that fails is what the rest waits behind."""
    while (row := inbox.record(partial(dead_letters.first_parked, subject=subject))) is not None:
        message = Message(queue=queue, body=row["body"].encode())

        def unpark(tx: Transaction, number: int = row["n"]) -> None:
            dead_letters.unpark(tx, number)

        try:
            event = inbox.event_of(message)
            inbox.retry_until_available(partial(inbox.handle_again, event, unpark))
        except Cancelled:
            raise
        except Exception as error:
            inbox.move_to_dead_letters(message, Failure(code="failed", reason=describe(error)), also=unpark)
            return


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
