"""Why the domain says no. The handlers tell the outside, with the same codes."""

from shared.contracts.events.triage import TicketState


class Refusal(Exception):
    """A step that the state does not allow; ``allowed`` are the steps that it does."""

    code = "illegal_transition"

    def __init__(self, detail: str, *, state: TicketState, allowed: tuple[str, ...]) -> None:
        """``state`` is the ticket's now."""
        super().__init__(detail)
        self.detail = detail
        self.state = state
        self.allowed = allowed


class AlreadyEnded(Refusal):
    """The visit is over; readers have its one end already, so that it can't be taken back."""

    code = "visit_ended"


class Elsewhere(Refusal):
    """The customer is at a counter with another ticket of the same visit."""

    code = "customer_elsewhere"


class NothingToUndo(Refusal):
    """No step is left to take back, or its day is over."""

    code = "nothing_to_undo"


class NoDevice(Refusal):
    """No device works that the customer could be guided to."""

    code = "no_fitting_device"
