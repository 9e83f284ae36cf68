"""Operators' orders to a consumer: a dead letter is tried again or given up, then what waited behind it goes on."""

from collections.abc import Callable
from functools import partial

from shared.bus import deadletters
from shared.bus.deadletters import Failure
from shared.bus.failures import describe
from shared.bus.message import Message, Order, order_of
from shared.bus.reaction import Hooks, Reactions, Stopped
from shared.contracts.envelope import Undecodable
from shared.storage import Transaction

HandleOne = Callable[[Message, Hooks], None]


def read_order(message: Message) -> Order | None:
    """Return the order that a message is; None for an event, and for an order that can't be read."""
    try:
        return order_of(message)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


class OperatorOrders:
    """Carries operators' orders out, in the service that the message failed in."""

    def __init__(self, reactions: Reactions, handle_one: HandleOne) -> None:
        """``handle_one`` settles a message as if it had just arrived."""
        self._reactions = reactions
        self._handle_one = handle_one

    def carry_out(self, order: Order, hooks: Hooks) -> None:
        """Retry or discard a dead letter, then let go what waited behind it, in order."""
        letter = self._reactions.record(partial(deadletters.find, id_=order.id))
        if letter is None:
            if order.message is not None and order.action == "retry":  # the broker parked it: unknown here
                self._handle_one(order.message, hooks)
            return
        message = Message(queue=letter["queue"], body=letter["body"], content_type=letter["content_type"])
        if order.action == "retry":
            if not self._retry(order.id, message, hooks):
                return
        else:
            discard = partial(deadletters.settle, id_=order.id, state="discarded")
            self._reactions.patiently(lambda: self._reactions.skip(message, hooks, discard))
        if letter["subject"]:
            self._release(letter["subject"], letter["queue"], hooks)

    def _retry(self, id_: str, message: Message, hooks: Hooks) -> bool:
        """Try once; say whether it is resolved."""
        resolve = partial(deadletters.settle, id_=id_, state="resolved")
        try:
            event = hooks.event_of(message)
            self._reactions.patiently(lambda: self._reactions.alone(event, hooks, resolve))
            return True
        except Stopped:
            raise
        except Exception as error:
            code, reason = (error.code, error.reason) if isinstance(error, Undecodable) else ("failed", describe(error))
            failure = Failure(code=code, reason=reason)
            self._reactions.record(partial(deadletters.failed_again, id_=id_, failure=failure))
            return False

    def _release(self, subject: str, queue: str, hooks: Hooks) -> None:
        """Handle what waits, one after the other; the first that fails is what the rest waits behind."""
        while (row := self._reactions.record(partial(deadletters.first_parked, subject=subject))) is not None:
            message = Message(queue=queue, body=row["body"].encode())

            def unpark(tx: Transaction, number: int = row["n"]) -> None:
                deadletters.unpark(tx, number)

            try:
                event = hooks.event_of(message)
                self._reactions.patiently(partial(self._reactions.alone, event, hooks, unpark))
            except Stopped:
                raise
            except Exception as error:
                failure = Failure(code="failed", reason=describe(error))
                self._reactions.bury(message, failure, hooks, also=unpark)
                return
