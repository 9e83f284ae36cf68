"""What a service knows of a branch: the fold of the branch's log, and nothing else.

An aggregate is a decider without its ``decide``: ``initial → apply(state, event) → state``. The same state serves
commands, queries, replay and rebuild. A state is immutable, so that a reader keeps the committed one while a
transaction makes the next, and a command that is refused leaves nothing behind.
"""

from datetime import datetime
from typing import Protocol, TypeVar

from shared.contracts.envelope import Event

State = TypeVar("State")


class Aggregate(Protocol[State]):
    """How a service folds a branch's events.

    ``version`` is the form of the state: whoever changes ``apply`` or the state's fields raises it, and snapshots of
    the version before are not read any more.
    """

    @property
    def version(self) -> int:
        """The version of the state's form."""
        ...

    def initial(self, branch: str) -> State:
        """Return the state before the first event."""
        ...

    def apply(self, state: State, event: Event) -> State:
        """Return the state after an event. Never raises, never reads a clock, leaves ``state`` as it is."""
        ...

    def held(self, state: State) -> int:
        """Return how many things the state holds: what a snapshot costs, and how much memory, grows with it."""
        ...

    def due(self, before: State, after: State) -> datetime | None:
        """Return when the clock alone may change something next; None where it never will.

        ``before`` is the state that the clock was looked at in last, ``after`` the one that came of it: so a change
        can ask to be looked at soon, and a look that changed nothing (both are the same) does not ask for another.
        """
        ...

    def dump(self, state: State) -> bytes:
        """Return the state as the bytes of a snapshot."""
        ...

    def load(self, branch: str, body: bytes) -> State:
        """Return the state that a snapshot of this version holds."""
        ...
