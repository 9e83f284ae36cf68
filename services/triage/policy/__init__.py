"""Policy: routing, priority, fairness and estimates as pure functions of policy, lobby state and request."""

from services.triage.policy.catalogue import CATALOGUE, Business, close_matches
from services.triage.policy.estimate import History, Promise, promise
from services.triage.policy.line import FRONT_S, Line, rank
from services.triage.policy.routing import Route, route
from services.triage.policy.rules import PREFIX, Policy, line_of

__all__ = [
    "CATALOGUE", "FRONT_S", "PREFIX", "Business", "History", "Line", "Policy", "Promise", "Route", "close_matches",
    "line_of", "promise", "rank", "route",
]  # fmt: skip
