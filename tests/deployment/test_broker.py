"""The broker's definitions: the whole topology, and users who may do what they need and no more."""

import re
from base64 import b64decode
from hashlib import sha256
from typing import Any

import pytest

from services.ops.provisioning.broker import definitions, password_hash
from services.ops.provisioning.files import NAMES
from services.ops.service_classes import topology_of
from shared.bus import topology
from shared.settings import SERVICES

SYSTEM = topology_of(4)
DEFINITIONS = definitions(dict.fromkeys(NAMES, "secret"), SYSTEM)
ALL = {queue.name: queue for queue in SYSTEM.all_queues()}
PERMISSIONS: dict[str, dict[str, Any]] = {entry["user"]: entry for entry in DEFINITIONS["permissions"]}


def may(user: str, do: str, name: str) -> bool:
    """Decide as RabbitMQ does."""
    return re.search(PERMISSIONS[user][do], name) is not None


def test_all_of_the_topology_is_defined() -> None:
    assert {exchange["name"]: exchange["type"] for exchange in DEFINITIONS["exchanges"]} == topology.EXCHANGES
    assert {queue["name"]: queue["arguments"] for queue in DEFINITIONS["queues"]} == {
        name: queue.arguments for name, queue in ALL.items()
    }
    bound = {(b["source"], b["destination"], b["routing_key"]) for b in DEFINITIONS["bindings"]}
    assert bound == {(exchange, name, key) for name, queue in ALL.items() for exchange, key in queue.bindings}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_its_own_queues_and_no_other_s(service: str) -> None:
    assert {name for name in ALL if may(service, "read", name)} == {
        name for name, queue in ALL.items() if queue.service == service
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_publishes_events_and_dead_letters_and_declares_nothing(service: str) -> None:
    assert may(service, "write", topology.INTERNAL)
    assert may(service, "write", topology.EVENTS)
    assert may(service, "write", topology.DEAD_LETTERS)
    assert not may(service, "write", topology.TERMINALS)
    assert not any(may(service, "configure", name) for name in (*ALL, *topology.EXCHANGES, "new"))


def test_only_the_gateway_orders_and_replays() -> None:
    for exchange in (topology.CONTROL, topology.REPLAY):
        assert [service for service in SERVICES if may(service, "write", exchange)] == ["gateway"]


def test_a_terminal_speaks_for_itself_and_hears_events_in_a_queue_of_its_own() -> None:
    assert may("terminals", "write", topology.TERMINALS)
    assert not may("terminals", "write", topology.EVENTS)
    assert may("terminals", "read", topology.EVENTS)
    assert not any(may("terminals", do, topology.INTERNAL) for do in ("configure", "write", "read"))
    assert not any(may("terminals", do, name) for do in ("configure", "read") for name in ALL)
    assert all(may("terminals", do, "terminal.t1.answers") for do in ("configure", "write", "read"))
    assert not may("terminals", "configure", topology.TERMINALS)


def test_a_terminal_s_routing_key_begins_with_a_branch() -> None:
    (topic,) = DEFINITIONS["topic_permissions"]
    assert re.search(topic["write"], "hq-001.lobby.terminal.ticket_requested.v1")
    assert not re.search(topic["write"], "HQ.lobby.terminal.ticket_requested.v1")
    assert not re.search(topic["write"], "ticket_requested")


def test_a_name_is_matched_whole() -> None:
    assert not may("triage", "read", "xlobby.triage.0-of-4")
    assert not may("triage", "read", "lobby.triage.0-of-40")
    assert not may("triage", "write", "lobbyxevents")


def test_only_operations_administrates() -> None:
    assert [user["name"] for user in DEFINITIONS["users"] if user["tags"]] == ["operations"]


def test_a_password_is_hashed_as_rabbitmq_does() -> None:
    hashed = b64decode(password_hash("secret", b"\x01\x02\x03\x04"))
    assert hashed == b"\x01\x02\x03\x04" + sha256(b"\x01\x02\x03\x04secret").digest()
    assert "secret" not in str(DEFINITIONS)


def test_nothing_of_ours_is_bound_where_others_bind() -> None:
    """Whatever others bind there, and whatever their queues refuse, is no matter of ours."""
    assert not [queue.name for queue in ALL.values() if topology.EVENTS in dict(queue.bindings)]
