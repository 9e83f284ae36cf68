"""Triage: identify, divert, guide, call and serve (T1-T10)."""
