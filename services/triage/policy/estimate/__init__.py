"""Waiting estimates: what is promised, and how it is learned (T9)."""

from services.triage.policy.estimate.estimator import UNTAUGHT, Estimator, Promise, Quote
from services.triage.policy.estimate.order import Group, Order
from services.triage.policy.estimate.scene import Scene

__all__ = ["UNTAUGHT", "Estimator", "Group", "Order", "Promise", "Quote", "Scene"]
