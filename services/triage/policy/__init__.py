"""Policy: routing, priority, fairness and estimates as pure functions of policy, lobby state and request."""

from services.triage.policy.business import Business, Paper, close_matches
from services.triage.policy.estimate import Estimator, Group, Order, Quote, Scene
from services.triage.policy.fairness import SKILL, Way, why_ahead
from services.triage.policy.line import Line, rank
from services.triage.policy.order import Choice, Lane, Place, Standing, choose, in_turn, overtaken_lanes
from services.triage.policy.routing import Route, priority_of, route
from services.triage.policy.rules import Policy, Series, line_of
from services.triage.policy.running import History, Promise, promise

__all__ = [
    "SKILL", "Business", "Choice", "Estimator", "Group", "History", "Lane", "Line", "Order", "Paper", "Place", "Policy",
    "Promise", "Quote", "Route", "Scene", "Series", "Standing", "Way", "choose", "close_matches", "in_turn", "line_of",
    "overtaken_lanes", "priority_of", "promise", "rank", "route", "why_ahead",
]  # fmt: skip
