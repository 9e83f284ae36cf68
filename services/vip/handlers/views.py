"""Answers: the state in the words of the contract."""

from services.vip.handlers.unit_of_work import LobbyReader
from services.vip.model import Handoff
from shared.contracts.http.vip import HandoffView, LoungeTaskView, ManagerView, RosterView, VipView


def handoff_view(handoff: Handoff) -> HandoffView:
    """Return a hand-off as it is now."""
    return HandoffView.model_validate(
        {
            "handoff_id": handoff.handoff_id,
            "visit_id": handoff.visit_id,
            "branch": handoff.branch,
            "state": handoff.state,
            "tier": handoff.tier,
            "business_date": handoff.business_date,
            "ticket_id": handoff.ticket_id,
            "number": handoff.number,
            "customer_ref": handoff.customer_ref,
            "manager_id": handoff.manager_id,
            "attempt": len(handoff.asked),
            "offered_until": handoff.expires_at,
            "in_lounge": handoff.in_lounge,
            "promised_at": handoff.promised_at,
            "lounge_tasks": tuple(
                LoungeTaskView(task_id=task.item_id, task=task.kind, owner=task.owner, due_at=task.due_at)
                for task in handoff.lounge_tasks
                if task.fate == "open"
            ),
        }
    )


def roster_view(lobby: LobbyReader) -> RosterView:
    """Return who is on duty, each with the hand-offs they have accepted (V8)."""
    loads = lobby.state.loads("accepted")
    managers = tuple(
        ManagerView(
            manager_id=m.manager_id,
            kind=m.kind,
            name=m.name,
            on_duty=m.on_duty,
            load=loads.get(m.manager_id, 0),
            max_load=m.max_load,
        )
        for m in lobby.state.roster.managers
    )
    return RosterView(branch=lobby.branch, managers=managers)


def vip_view(lobby: LobbyReader) -> VipView:
    """Return the VIP customers who are in the lobby, and the managers (V1-V3, V8)."""
    handoffs = tuple(handoff_view(handoff) for handoff in lobby.state.active)
    return VipView(branch=lobby.branch, at=lobby.now, handoffs=handoffs, managers=roster_view(lobby).managers)
