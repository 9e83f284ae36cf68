"""What triage answers when it can't do what is asked."""

from shared.errors import Conflict, Forbidden, InvalidInput, NotFound


class UnknownBusiness(InvalidInput):
    """No business of the branch has this code; ``suggestions`` are those that look like it."""

    code = "unknown_business"
    title = "The branch does not offer this business"


class RequestedInFuture(InvalidInput):
    """``requested_at`` is later than our clock allows."""

    code = "requested_in_future"


class RequestedTooLongAgo(InvalidInput):
    """``requested_at`` is so long ago that the customer can't be waiting any more."""

    code = "requested_too_long_ago"


class VisitNotFound(NotFound):
    """No visit of the branch has this id."""

    code = "visit_not_found"


class AlreadyQueued(Conflict):
    """The customer has an open ticket for this business: ``ticket_id``, ``number``, ``visit_id``, ``state``."""

    code = "already_queued"
    title = "The customer has a ticket for this business"


class PersonAway(Conflict):
    """Nobody of this name works at an open counter; ``present`` are those who do."""

    code = "person_away"


class NumberNotLeased(Conflict):
    """The number is in no block that the terminal has for that day."""

    code = "number_not_leased"


class NumberTaken(Conflict):
    """The number was given to somebody else on that day."""

    code = "number_taken"


class AppointmentNotFound(NotFound):
    """No appointment of the branch has this id."""

    code = "appointment_not_found"


class AppointmentUsed(Conflict):
    """The customer has come to the appointment: ``ticket_id`` is theirs."""

    code = "appointment_used"


class TicketNotFound(NotFound):
    """No ticket has this id or number."""

    code = "ticket_not_found"


class IllegalTransition(Conflict):
    """The ticket's ``state`` does not allow this step; ``allowed`` are those that it does."""

    code = "illegal_transition"


class VisitEnded(Conflict):
    """The visit is over, and everybody was told; a step of it can't be taken back."""

    code = "visit_ended"


class CustomerElsewhere(Conflict):
    """The customer is at a counter with another ticket of the visit."""

    code = "customer_elsewhere"


class NothingToUndo(Conflict):
    """No step is left that could be taken back today."""

    code = "nothing_to_undo"


class CounterClosed(Conflict):
    """The counter is not open."""

    code = "counter_closed"
    title = "The counter is closed"


class CounterBusy(Conflict):
    """The counter has a ticket that it called or serves: ``ticket_id``, ``number``."""

    code = "counter_busy"
    title = "The counter has a customer"


class NoFittingDevice(Conflict):
    """No self-service device, or not the named one, works and does the business; ``devices`` are those that do."""

    code = "no_fitting_device"


class PolicyFileUnusable(Conflict):
    """The bank's policy file can't be used, so nothing can be laid over it; ``problem`` says what is wrong."""

    code = "policy_file_unusable"
    title = "The bank's policy file cannot be used"


class BranchClosed(Conflict):
    """The branch is closed, and takes no requests then; ``opens_at`` says when it opens, if that is near."""

    code = "branch_closed"
    title = "The branch is closed"


class NotAtCounter(Forbidden):
    """A teller or customer manager takes steps at the counter that they opened."""

    code = "not_at_counter"
