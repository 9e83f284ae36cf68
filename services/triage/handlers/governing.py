"""Which policy a branch is run by, recorded in its log: a replay has the policy of its day (T2, T3, T6, T12)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.triage.handlers.ports import Desk
from services.triage.model import Ticket, Visit, commands, decide
from services.triage.policy import Policy, priority_of
from services.triage.policy_file import Document, Effective, changes, policy_of
from services.triage.policy_file import PolicySet as Book
from shared.contracts.events.triage import PolicyChanged
from shared.contracts.http.triage import PolicyView


@dataclass(frozen=True, kw_only=True)
class InForce:
    """A branch's policy as it was recorded. ``overrides`` are the branch's own exceptions, set by HTTP."""

    version: int
    digest: str
    source: str
    since: datetime
    overrides: Document
    document: Document


class GoverningDesk(Desk, Protocol):
    """A desk that can change what the branch is run by."""

    def in_force(self, branch: str) -> InForce | None:
        """Return the branch's policy; None where none was recorded yet."""
        ...

    def record_policy(self, branch: str, changed: PolicyChanged) -> None:
        """Record the branch's new policy."""
        ...

    def open_visits(self, branch: str) -> Sequence[Visit]:
        """Return every visit that has not ended."""
        ...

    def follow(self, branch: str, policy: Policy) -> None:
        """Give everybody the place and the times that this policy gives, and look at every line soon."""
        ...


def adopt(
    desk: GoverningDesk, branch: str, effective: Effective, *, source: str, overrides: Document, by: str | None = None
) -> None:
    """Let the branch be run by a policy from now on; nothing happens where it is already.

    Who waits keeps the place since when, and gets the priority that the new policy gives (T6, T12).
    """
    before = desk.in_force(branch)
    if before is not None and (before.digest, before.overrides) == (effective.digest, overrides):
        return
    changed = PolicyChanged(
        version=1 if before is None else before.version + 1,
        digest=effective.digest,
        source=source,
        by=by,
        changed=() if before is None else fields_changed(before.document, effective.document),
        overrides=overrides,
        policy=effective.document,
    )
    desk.record_policy(branch, changed)
    if before is not None:
        _let_follow(desk, branch, policy_of(before.document), effective.policy, changed.version)


def set_overrides(desk: GoverningDesk, book: Book, *, branch: str, text: str | bytes, by: str) -> None:
    """Set what the branch does differently from the bank, in the place of what it did; raise InvalidPolicy."""
    overrides, effective = book.with_overrides(branch, text)
    adopt(desk, branch, effective, source=book.source, overrides=overrides, by=by)


def policy_view(branch: str, in_force: InForce | None, book: Book, problem: str | None) -> PolicyView:
    """Return the branch's policy; before its first day it is the one that the book gives."""
    if in_force is None:
        effective = book.of(branch)
        return PolicyView(
            branch=branch, version=0, digest=effective.digest, source=book.source, policy=effective.document,
            problem=problem,
        )  # fmt: skip
    return PolicyView(
        branch=branch, version=in_force.version, digest=in_force.digest, since=in_force.since, source=in_force.source,
        overrides=in_force.overrides, policy=in_force.document, problem=problem,
    )  # fmt: skip


def fields_changed(before: Document, after: Document) -> tuple[str, ...]:
    """Return the names of the fields that differ."""
    return tuple(change.field for change in changes(before, after))


def _let_follow(desk: GoverningDesk, branch: str, before: Policy, after: Policy, version: int) -> None:
    if _line_differs(before, after):
        for visit in desk.open_visits(branch):
            for command in _reprioritised(visit, before, after, version, desk.now):
                visit = desk.record_visit(visit, decide(visit, command))
    desk.follow(branch, after)


def _line_differs(before: Policy, after: Policy) -> bool:
    """Whether the new policy may change a place: a field that priorities or ageing come from is another."""
    names = (
        name
        for name in vars(before)
        if name.startswith(("green_", "priority", "vip_tiers", "ageing", "appointment_priority"))
    )
    return any(getattr(before, name) != getattr(after, name) for name in names)


def _priority(policy: Policy, ticket: Ticket) -> int:
    """Return what a policy gives a ticket: by who the customer is, and by the appointment that they came to (T11)."""
    comes_to_it = ticket.appointment in ("on_time", "early")
    return max(priority_of(policy, ticket.customer), policy.appointment_priority if comes_to_it else 0)


def _reprioritised(
    visit: Visit, before: Policy, after: Policy, version: int, at: datetime
) -> Iterable[commands.Reprioritise]:
    for ticket in visit.tickets:
        priority = _priority(after, ticket)
        if priority != _priority(before, ticket):
            yield commands.Reprioritise(ticket_id=ticket.ticket_id, at=at, priority=priority, policy_version=version)
