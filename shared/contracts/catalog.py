"""Imports every module of events, so that the registry is complete."""

from shared.contracts import registry
from shared.contracts.events import incidents, terminal, triage, vip, worklog

__all__ = ["incidents", "registry", "terminal", "triage", "vip", "worklog"]
