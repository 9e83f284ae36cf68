"""Measurements, always as a ratio to a baseline in the same run on the same machine."""
