"""What every test session begins with: quick to import, so that a single test answers at once."""

import gc
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.support.plugin", "tests.support.databases"]

# A busy machine is no failure; a run that found something prints how to repeat it.
settings.register_profile("lobby", deadline=None, print_blob=True)
settings.load_profile("lobby")

gc.disable()  # halves the time that all the tests take to import; nothing of it is ever garbage

TIERS = ("browser", "chaos", "containers")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import a tier of tests that the session leaves out."""
    left_out = collection_path.name in TIERS and f"not {collection_path.name}" in config.option.markexpr
    return True if left_out else None


def pytest_collection_finish() -> None:
    """Let the garbage collector work again, on what the tests make."""
    gc.freeze()
    gc.enable()
