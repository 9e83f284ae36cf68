"""Which policy a branch is run by, recorded in its log: a replay has the policy of its day (T2, T3, T6, T12)."""

from collections.abc import Iterable
from datetime import datetime

from services.triage.handlers.unit_of_work import UnitOfWork
from services.triage.model import PolicyInForce, Ticket, Visit, commands, decide
from services.triage.policy import Policy, priority_of
from services.triage.policy_file import Document, Effective, PolicySet, changes
from shared.contracts.events.triage import PolicyChanged
from shared.contracts.http.triage import PolicyView


def adopt(uow: UnitOfWork, effective: Effective, *, source: str, overrides: Document, by: str | None = None) -> None:
    """Let the branch be run by a policy from now on; nothing happens where it is already.

    Who waits keeps the place since when, and gets the priority that the new policy gives (T6, T12).
    """
    before = uow.state.in_force
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
    uow.record_policy(changed)
    if before is not None:
        _reprioritise_all(uow, before.policy, changed.version)


def set_overrides(uow: UnitOfWork, policies: PolicySet, *, text: str | bytes, by: str) -> None:
    """Set what the branch does differently from the bank, in the place of what it did; raise InvalidPolicy."""
    overrides, effective = policies.with_overrides(uow.branch, text)
    adopt(uow, effective, source=policies.source, overrides=overrides, by=by)


def policy_view(branch: str, in_force: PolicyInForce | None, policies: PolicySet, problem: str | None) -> PolicyView:
    """Return the branch's policy; before its first day it is the one that the files give."""
    if in_force is None:
        effective = policies.of(branch)
        return PolicyView(
            branch=branch, version=0, digest=effective.digest, source=policies.source, policy=effective.document,
            problem=problem,
        )  # fmt: skip
    return PolicyView(
        branch=branch, version=in_force.version, digest=in_force.digest, since=in_force.since, source=in_force.source,
        overrides=in_force.overrides, policy=in_force.document, problem=problem,
    )  # fmt: skip


def fields_changed(before: Document, after: Document) -> tuple[str, ...]:
    """Return the names of the fields that differ."""
    return tuple(change.field for change in changes(before, after))


def _reprioritise_all(uow: UnitOfWork, before: Policy, version: int) -> None:
    after = uow.policy
    if not _line_differs(before, after):
        return
    for _, visit in sorted(uow.state.visits.items()):
        for command in _reprioritised(visit, before, after, version, uow.now):
            visit = uow.record_visit(visit, decide(visit, command))


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
