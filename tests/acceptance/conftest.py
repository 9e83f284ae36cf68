from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.days import Trace, write_trace
from tests.ops.running import Up
from tests.ops.separate import Separate


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    return write_trace(tmp_path / "day.csv")


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Up]:
    """``lobby up``: everything in one process, the default."""
    system = Up(tmp_path / "embedded")
    yield system
    system.kill()


@pytest.fixture
def separate(tmp_path: Path, amqp_url: str, database_url: str) -> Iterator[Separate]:
    """``lobby serve``, five times: RabbitMQ and PostgreSQL between them."""
    system = Separate(tmp_path / "separate", LOBBY_AMQP_URL=amqp_url, LOBBY_DATABASE_URL=database_url)
    yield system
    system.close()
