from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.settings import Settings
from tests.bus.world import World, fresh
from tests.support.bus_process import BusProcess

StartProcess = Callable[..., BusProcess]


@pytest.fixture
def world(tmp_path: Path, amqp_url: str, database_url: str) -> Iterator[World]:
    """A producer's and a consumer's empty databases, and empty queues; whoever uses it says what runs."""
    settings = Settings(data_dir=tmp_path, amqp_url=amqp_url, database_url=database_url)
    with fresh(settings) as world:
        yield world


@pytest.fixture
def start(world: World, tmp_path: Path) -> Iterator[StartProcess]:
    """Starts processes of producer or consumer and ends them after the test."""
    started: list[BusProcess] = []

    def start(*services: str, settings: Settings | None = None, **variables: str) -> BusProcess:
        name = f"{'-'.join(services)}-{len(started)}"
        process = BusProcess(settings or world.settings, tmp_path, *services, name=name, **variables)
        started.append(process)
        process.start()
        return process

    yield start
    for process in started:
        process.kill9()
        print(f"--- {process.log_file.stem}, started {process.started} times", process.log_file.read_text()[-4000:])
