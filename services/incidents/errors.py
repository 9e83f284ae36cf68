"""What callers of incidents can do wrong: stable codes below the common tree."""

from shared.errors import Conflict, InvalidInput, NotFound


class IncidentNotFound(NotFound):
    """No incident has this id, or it had not been opened at the instant asked for."""

    code = "incident_not_found"


class IncidentIsClosed(Conflict):
    """A closed record is read-only; it can be amended (I6)."""

    code = "incident_closed"


class IncidentIsOpen(Conflict):
    """Only a closed record is amended; an open one takes steps (I6)."""

    code = "incident_open"


class StepNotAllowed(Conflict):
    """The step does not belong to incidents of this kind."""

    code = "step_not_allowed"


class StepOutOfOrder(Conflict):
    """Another step has to be taken first; ``next`` says which (I3)."""

    code = "step_out_of_order"


class IncidentUnfinished(Conflict):
    """Something has to be done before the incident can be closed; ``missing`` says what."""

    code = "incident_unfinished"


class HappenedInFuture(InvalidInput):
    """An incident cannot have happened later than now."""

    code = "happened_in_future"
