"""The policy that each branch is run by, and the places and times that follow it."""

from collections.abc import Sequence

import orjson
from sqlalchemy import Connection, bindparam, select, update

from services.triage.handlers.governing import InForce
from services.triage.model import Visit
from services.triage.policy import Policy, alarm_due, care_due, rank
from services.triage.store import tables
from services.triage.store.bodies import VISIT
from services.triage.store.desk import Desk
from services.triage.store.floor import Floor
from services.triage.store.subjects import subject_of
from shared.contracts.events.triage import PolicyChanged

_policy, _visit, _ticket = tables.branch_policy.c, tables.visit.c, tables.ticket.c

_VERSION = select(_policy.version).where(_policy.branch == bindparam("of_branch"))
_IN_FORCE = select(tables.branch_policy).where(_policy.branch == bindparam("of_branch"))
_OPEN = select(_visit.body).where(_visit.branch == bindparam("of_branch"), _visit.state == "active")
_MOVE = (
    update(tables.ticket)
    .where(_ticket.ticket_id == bindparam("of_ticket"))
    .values(rank=bindparam("new_rank"), watch_at=bindparam("new_watch"), care_at=bindparam("new_care"))
)
_LOOK = (
    update(tables.line_state)
    .where(tables.line_state.c.branch == bindparam("of_branch"))
    .values(check_at=bindparam("now"))
)


def policies_governed(connection: Connection) -> list[tuple[str, str, str]]:
    """Return every branch that has a recorded policy, with its digest and the branch's own exceptions as JSON."""
    query = select(_policy.branch, _policy.digest, _policy.overrides).order_by(_policy.branch)
    return [(row.branch, row.digest, row.overrides) for row in connection.execute(query)]


def policy_version(connection: Connection, branch: str) -> int:
    """Return which of its policies the branch is run by; 0 where none was recorded yet."""
    return connection.execute(_VERSION, {"of_branch": branch}).scalar() or 0


def policy_in_force(connection: Connection, branch: str) -> InForce | None:
    """Return the policy that the branch is run by."""
    row = connection.execute(_IN_FORCE, {"of_branch": branch}).one_or_none()
    if row is None:
        return None
    return InForce(
        version=row.version,
        digest=row.digest,
        source=row.source,
        since=row.since,
        overrides=orjson.loads(row.overrides),
        document=orjson.loads(row.body),
    )


class GoverningDesk(Desk):
    """The desk of a change of policy."""

    def in_force(self, branch: str) -> InForce | None:
        """Return the branch's policy; None where none was recorded yet."""
        return policy_in_force(self.connection, branch)

    def record_policy(self, branch: str, changed: PolicyChanged) -> None:
        """Record the branch's new policy."""
        self._append(branch, subject_of("policy", branch), changed.version, changed)
        self._put(
            tables.branch_policy,
            {
                "branch": branch,
                "version": changed.version,
                "digest": changed.digest,
                "source": changed.source,
                "since": self.now,
                "overrides": orjson.dumps(changed.overrides).decode(),
                "body": orjson.dumps(changed.policy).decode(),
            },
        )

    def open_visits(self, branch: str) -> Sequence[Visit]:
        """Return every visit that has not ended."""
        bodies = self.connection.execute(_OPEN, {"of_branch": branch}).scalars()
        return [VISIT.validate_json(body) for body in bodies]

    def follow(self, branch: str, policy: Policy) -> None:
        """Give everybody the place and the times that this policy gives, and look at every line soon."""
        moved = [
            {
                "of_ticket": ticket.ticket_id,
                "new_rank": rank(policy, ticket.lined_at, ticket.priority),
                "new_watch": alarm_due(policy, ticket),
                "new_care": care_due(policy, ticket),
            }
            for visit in self.open_visits(branch)
            for ticket in visit.tickets
            if not ticket.ended
        ]
        if moved:
            self.connection.execute(_MOVE, moved)
        self.connection.execute(_LOOK, {"of_branch": branch, "now": self.now})
        self._tx.forget(branch, Floor)
