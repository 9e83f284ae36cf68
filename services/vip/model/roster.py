"""The duty roster of a branch: who of the six kinds of manager is there, and how many each can take (V8)."""

from dataclasses import dataclass, replace

from shared.contracts.events.vip import Manager, RosterSet


@dataclass(frozen=True, kw_only=True)
class Roster:
    """The duty roster of a branch; version 0 has never been set."""

    branch: str
    version: int = 0
    managers: tuple[Manager, ...] = ()

    def find(self, manager_id: str) -> Manager | None:
        """Return the manager of that id, on duty or not."""
        return next((m for m in self.managers if m.manager_id == manager_id), None)


class ListedTwice(ValueError):
    """A manager is on the roster twice; ``position`` is the second place, counted from 0."""

    def __init__(self, manager_id: str, position: int) -> None:
        """``manager_id`` is the one that is repeated."""
        super().__init__(f"{manager_id} is on the roster twice")
        self.manager_id = manager_id
        self.position = position


def set_roster(roster: Roster, managers: tuple[Manager, ...]) -> tuple[RosterSet, ...]:
    """Decide a new roster; nothing happens where it is as it was. Raises :class:`ListedTwice`."""
    seen: set[str] = set()
    for position, manager in enumerate(managers):
        if manager.manager_id in seen:
            raise ListedTwice(manager.manager_id, position)
        seen.add(manager.manager_id)
    if roster.version and roster.managers == managers:
        return ()
    return (RosterSet(managers=managers),)


def apply_roster(roster: Roster, event: RosterSet) -> Roster:
    """Return the roster after what happened."""
    return replace(roster, version=roster.version + 1, managers=event.managers)
