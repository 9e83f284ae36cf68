"""What docker-compose.yml promises, as far as it can be read without an engine."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from shared.settings import SERVICES

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = YAML(typ="safe", pure=True).load((ROOT / "docker-compose.yml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]


def mounts(name: str) -> dict[str, str]:
    return {v["target"]: v["source"] for v in CONTAINERS[name].get("volumes", ()) if isinstance(v, dict)}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_a_container_that_is_given_its_own_secrets_only(service: str) -> None:
    assert CONTAINERS[service]["command"] == ["serve", service]
    assert mounts(service) == {"/run/lobby": service}


def test_a_second_process_differs_in_nothing_but_that_it_must_be_asked_for() -> None:
    assert CONTAINERS["triage-2"] == {**CONTAINERS["triage"], "profiles": ["two"]}


def test_only_the_setup_sees_everything() -> None:
    volumes = set(COMPOSE["volumes"]) - {"rabbitmq-data", "postgres-data"}
    assert set(mounts("setup").values()) == volumes
    assert all("/setup/state" not in mounts(name) for name in CONTAINERS if name != "setup")
    assert all("state" not in mounts(name).values() for name in CONTAINERS if name != "setup")


def test_only_the_proxy_and_amqp_are_published_and_on_the_loopback_by_default() -> None:
    published = {name: container["ports"] for name, container in CONTAINERS.items() if "ports" in container}
    assert published == {
        "rabbitmq": ["${LOBBY_BIND:-127.0.0.1}:${LOBBY_AMQP_PORT:-5672}:5672"],
        "proxy": ["${LOBBY_BIND:-127.0.0.1}:${LOBBY_PORT:-8080}:80"],
    }


@pytest.mark.parametrize("service", [*SERVICES, "migrate", "postgres"])
def test_what_is_not_published_cannot_be_reached_and_reaches_nothing_outside(service: str) -> None:
    assert all(COMPOSE["networks"][network]["internal"] for network in CONTAINERS[service]["networks"])


@pytest.mark.parametrize("service", [*SERVICES, "migrate"])
def test_our_processes_have_no_privileges(service: str) -> None:
    container = CONTAINERS[service]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in container  # the image's, which is not root


def test_no_secret_is_written_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text().lower()
    for line in text.splitlines():
        if "password" in line or "secret" in line:
            assert line.strip().startswith("#") or "/run/lobby/password" in line, line
