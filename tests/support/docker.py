"""RabbitMQ and PostgreSQL as containers, by testcontainers."""

import secrets

import docker
from docker.errors import DockerException, ImageNotFound
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from tests.support import postgres, rabbitmq
from tests.support.processes import Unavailable, wait_until
from tests.support.reaper import Reaper

RABBITMQ_IMAGE = "rabbitmq:4-management"
POSTGRES_IMAGE = "postgres:17-alpine"
START_S = 90


def require(image: str) -> None:
    """Raise :class:`Unavailable` unless an engine answers within 2 s and has the image, or can pull it."""
    try:
        engine = docker.from_env(timeout=2)
        engine.ping()
    except (DockerException, OSError) as error:
        raise Unavailable(f"no Docker engine answers ({type(error).__name__})") from error
    try:
        engine.images.get(image)
    except ImageNotFound:
        try:
            docker.from_env(timeout=60).images.pull(image)
        except (DockerException, OSError) as error:
            raise Unavailable(f"the Docker engine has no {image} and cannot pull it") from error
    except (DockerException, OSError) as error:
        raise Unavailable(f"the Docker engine does not answer: {error}") from error


def start_rabbitmq(reaper: Reaper) -> tuple[str, str]:
    """Start a broker; return its AMQP URL without a virtual host, and its management URL."""
    container = (
        DockerContainer(RABBITMQ_IMAGE)
        .with_env("RABBITMQ_DEFAULT_USER", rabbitmq.USER)
        .with_env("RABBITMQ_DEFAULT_PASS", rabbitmq.PASSWORD)
        .with_exposed_ports(5672, 15672)
    )
    host, (port, management) = _run(reaper, container, 5672, 15672)
    wait_until(lambda: rabbitmq.answers_amqp(host, port), within_s=START_S, what=f"{RABBITMQ_IMAGE} to answer")
    account = f"{rabbitmq.USER}:{rabbitmq.PASSWORD}"
    return f"amqp://{account}@{host}:{port}", f"http://{account}@{host}:{management}"


def start_postgres(reaper: Reaper) -> str:
    """Start a PostgreSQL; return its URL without a database."""
    password = secrets.token_urlsafe(12)
    options = " ".join(f"-c {name}={value}" for name, value in {**postgres.FAST, "max_connections": "200"}.items())
    container = (
        DockerContainer(POSTGRES_IMAGE)
        .with_env("POSTGRES_USER", "lobby")
        .with_env("POSTGRES_PASSWORD", password)
        .with_exposed_ports(5432)
        .with_command(f"postgres {options}")
    )
    host, (port,) = _run(reaper, container, 5432)
    url = f"postgresql://lobby:{password}@{host}:{port}"
    wait_until(lambda: postgres.accepts(f"{url}/postgres"), within_s=START_S, what=f"{POSTGRES_IMAGE} to answer")
    return url


def _run(reaper: Reaper, container: DockerContainer, *ports: int) -> tuple[str, list[int]]:
    testcontainers_config.ryuk_disabled = True  # our own reaper removes them, without another image
    container.start()
    reaper.tell("container", str(container.get_wrapped_container().id))
    return container.get_container_host_ip(), [int(container.get_exposed_port(port)) for port in ports]
