"""Policy: routing, priority, fairness and estimates as pure functions of policy, lobby state and request."""

from services.triage.policy.business import Business, Paper, close_matches
from services.triage.policy.estimate import Estimator, Group, Order, Quote, Scene
from services.triage.policy.line import FRONT_S, Line, rank
from services.triage.policy.routing import Route, priority_of, route
from services.triage.policy.rules import Policy, Series, line_of
from services.triage.policy.running import History, Promise, promise

__all__ = [
    "FRONT_S", "Business", "Estimator", "Group", "History", "Line", "Order", "Paper", "Policy", "Promise", "Quote",
    "Route", "Scene", "Series", "close_matches", "line_of", "priority_of", "promise", "rank", "route",
]  # fmt: skip
