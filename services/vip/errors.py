"""What callers of vip can do wrong: stable codes below the common tree."""

from shared.errors import Conflict, Forbidden, InvalidInput, NotFound


class HandoffNotFound(NotFound):
    """No hand-off has this id."""

    code = "handoff_not_found"


class HandoffState(Conflict):
    """The hand-off is in a state that doesn't allow this, or it is another manager's turn."""

    code = "handoff_state"


class NotOnRoster(Forbidden):
    """Only a supervisor may take a customer without being on the branch's roster."""

    code = "not_on_roster"


class NotOneself(Forbidden):
    """A customer manager answers a hand-off as oneself; a lobby manager or supervisor may on another's behalf."""

    code = "not_oneself"


class ManagerListedTwice(InvalidInput):
    """A manager is on the roster twice."""

    code = "manager_listed_twice"
