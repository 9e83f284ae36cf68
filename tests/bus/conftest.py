from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu.transport import memory

from shared.settings import SERVICES, Settings
from tests.bus.world import World, fresh


@pytest.fixture(params=["memory", "rabbitmq"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    if request.param == "memory":
        memory.Transport.global_state.clear()
        memory.Channel.queues.clear()
        return Settings(data_dir=tmp_path)
    amqp_url, database_url = request.getfixturevalue("amqp_url"), request.getfixturevalue("database_url")
    return Settings(data_dir=tmp_path, amqp_url=amqp_url, database_url=database_url)


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    with fresh(settings, services=SERVICES) as world:
        yield world
