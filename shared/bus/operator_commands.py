"""Operators' commands to a consumer: try a dead letter again, or discard it; then what waited behind it goes on."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from shared.bus import dead_letters
from shared.bus.dead_letters import Failure, describe
from shared.bus.inbox import Inbox
from shared.bus.message import CONTROL_TYPE, Message
from shared.bus.retry import Cancelled
from shared.contracts.envelope import Undecodable
from shared.storage import Transaction


@dataclass(frozen=True, kw_only=True)
class OperatorCommand:
    """What an operator wants to happen to a dead letter: ``retry`` or ``discard`` it.

    ``original`` is the message itself where the broker moved it to the dead letters: the service doesn't know it then.
    """

    action: str
    id: str
    original: Message | None = None


def read_operator_command(message: Message) -> OperatorCommand | None:
    """Return the command that a message is; None for an event, and for a command that can't be read."""
    if message.content_type != CONTROL_TYPE:
        return None
    try:
        document = orjson.loads(message.body)
        action, id_, original = str(document["action"]), str(document["id"]), document.get("message")
        if original is not None:
            body, content_type = original["body"].encode("latin-1"), original["content_type"]
            original = Message(queue=message.queue, body=body, content_type=content_type)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return OperatorCommand(action=action, id=id_, original=original)


def write_operator_command(action: str, dead_letter: str, original: tuple[bytes, str | None] | None = None) -> bytes:
    """Write a command; ``original`` is the body and content type of a message that the broker moved itself."""
    document: dict[str, Any] = {"action": action, "id": dead_letter}
    if original is not None:
        document["message"] = {"body": original[0].decode("latin-1"), "content_type": original[1]}
    return orjson.dumps(document)


def carry_out(command: OperatorCommand, inbox: Inbox) -> Message | None:
    """Retry or discard a dead letter, then let go what waited behind it, in order.

    Returns a message that is to be handled as if it had just arrived: one that the broker moved to the dead letters.
    """
    letter = inbox.record(partial(dead_letters.find, id_=command.id))
    if letter is None:
        return command.original if command.action == "retry" else None
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
