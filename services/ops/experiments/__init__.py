"""Experiments on history, without running services: policies compared, promised waits judged."""
