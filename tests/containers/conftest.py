import subprocess
import uuid
from collections.abc import Iterator

import pytest

from tests.containers.stack import Stack, compose_command
from tests.support.processes import free_port
from tests.support.reaper import Reaper


@pytest.fixture(scope="session")
def compose() -> list[str]:
    """How Compose is called. Without an engine the tier fails: it never skips."""
    command = compose_command()
    if command is None:
        pytest.fail("neither `docker compose` nor `docker-compose` is installed", pytrace=False)
    if subprocess.run(["docker", "info"], capture_output=True, timeout=20).returncode != 0:
        pytest.fail("no Docker engine answers `docker info`", pytrace=False)
    return command


@pytest.fixture(scope="session")
def stack(compose: list[str], reaper: Reaper) -> Iterator[Stack]:
    """The whole system, built and started from nothing, and removed with its volumes at the end."""
    project = f"lobby-test-{uuid.uuid4().hex[:8]}"
    stack = Stack(
        command=compose,
        environment={
            "COMPOSE_PROJECT_NAME": project,
            "LOBBY_IMAGE": "lobby:test",
            "LOBBY_PORT": str(free_port()),
            "LOBBY_AMQP_PORT": str(free_port()),
        },
    )
    reaper.tell("project", project)
    stack.compose("build", "setup", timeout=900)
    try:
        stack.compose("up", "-d", timeout=600)
        stack.wait_until_ready()
    except BaseException:
        print(stack.compose("logs", "--no-color", "--tail", "60"))
        raise
    yield stack
    stack.compose("down", "--volumes", "--remove-orphans", timeout=180)
