"""Policy: routing, priority, fairness and estimates as pure functions of policy, lobby state and request."""

from services.triage.policy.attention import Need, alarm_due, attention_due, need
from services.triage.policy.business import Business, Paper, close_matches
from services.triage.policy.estimate import UNTAUGHT, Estimator, Group, Order, Quote, Scene
from services.triage.policy.fairness import SKILL, Way, why_ahead
from services.triage.policy.hours import is_open, opens_next
from services.triage.policy.line import Crowd, Line, rank
from services.triage.policy.order import (
    Choice,
    Lane,
    Place,
    Standing,
    choose,
    credit_after,
    first_credit,
    in_turn,
    is_contested,
    overtaken_lanes,
    vip_may,
)
from services.triage.policy.routing import Route, priority_of, route
from services.triage.policy.rules import Policy, Series, line_name, line_of

__all__ = [
    "SKILL", "UNTAUGHT", "Business", "Choice", "Crowd", "Estimator", "Group", "Lane", "Line", "Need", "Order",
    "Paper", "Place", "Policy", "Quote", "Route", "Scene", "Series", "Standing", "Way", "alarm_due", "attention_due",
    "choose", "close_matches", "credit_after", "first_credit", "in_turn", "is_contested", "is_open", "line_name",
    "line_of", "need", "opens_next", "overtaken_lanes", "priority_of", "rank", "route", "vip_may", "why_ahead",
]  # fmt: skip
