"""Imports every module of events, so that the registry is complete."""

from shared.contracts import incidents, registry, terminal, triage, vip, worklog

__all__ = ["incidents", "registry", "terminal", "triage", "vip", "worklog"]
