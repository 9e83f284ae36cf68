"""Which steps belong to which kind of incident, in what order, and when it may be closed (I1-I4). Pure.

A disruption's order is enforced, people's safety first (I3); calling the police is one touch that
nothing may hold up, so what it leaves out stays due.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.contracts.events.incidents import IncidentKind, StepKind

STEPS: Mapping[IncidentKind, tuple[StepKind, ...]] = {
    "dispute": ("stepped_in", "calmed", "cause_found", "resolved", "complaint_recorded", "escalated", "note"),
    "suspicious_person": ("asked", "advised_to_leave", "left_branch", "escalated", "note"),
    "disruption": ("people_secured", "colleagues_alerted", "police_called", "calmed", "escalated", "note"),
    "hazard": ("owner_assigned", "eliminated", "rechecked", "escalated", "note"),
}

SAFETY: tuple[StepKind, ...] = ("people_secured", "colleagues_alerted", "police_called")
"""What a disruption needs, in this order (I3)."""

_AFTER: Mapping[tuple[IncidentKind, StepKind], StepKind] = {
    ("disruption", "colleagues_alerted"): "people_secured",
    ("hazard", "rechecked"): "eliminated",
}


@dataclass(frozen=True, kw_only=True)
class Missing:
    """The steps that closing still needs: all of them, or any one."""

    steps: tuple[StepKind, ...]
    any_one: bool = False


def needed_before(kind: IncidentKind, step: StepKind, taken: Sequence[StepKind]) -> StepKind | None:
    """Return the step that has to be taken before this one; None where it may be taken now."""
    before = _AFTER.get((kind, step))
    return before if before is not None and before not in taken else None


def allowed(kind: IncidentKind, taken: Sequence[StepKind]) -> tuple[StepKind, ...]:
    """Return the steps that may be taken now."""
    return tuple(step for step in STEPS[kind] if needed_before(kind, step, taken) is None)


def missing(kind: IncidentKind, taken: Sequence[StepKind]) -> Missing:
    """Return what closing still needs."""
    match kind:
        case "dispute":
            return _any_one(taken, "resolved", "complaint_recorded")
        case "suspicious_person":
            return _any_one(taken, "left_branch", "escalated")
        case "disruption":
            return Missing(steps=tuple(step for step in SAFETY if step not in taken))
        case "hazard":
            return _rechecked(taken)


def _any_one(taken: Sequence[StepKind], *ends: StepKind) -> Missing:
    return Missing(steps=() if set(ends) & set(taken) else ends, any_one=True)


def _rechecked(taken: Sequence[StepKind]) -> Missing:
    if "eliminated" not in taken:
        return Missing(steps=("eliminated", "rechecked"))
    # A hazard that had to be eliminated again has to be checked again.
    since = list(taken)[::-1].index("eliminated")
    return Missing(steps=() if "rechecked" in list(taken)[len(taken) - since :] else ("rechecked",))
