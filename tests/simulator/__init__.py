"""Tests of the simulator: what it plans, says and counts."""
