"""RabbitMQ's definitions: all exchanges, queues and bindings, and users who may do what they need and no more.

Everything is declared here, so a service may configure nothing at all: it reads its own queues and
publishes. A service without these definitions declares the topology itself (development).
"""

import secrets
from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

from shared.bus import topology
from shared.contracts.base import BRANCH_PATTERN
from shared.settings import SERVICES

Json = dict[str, Any]

TERMINALS: Final = "terminals"
OPERATIONS: Final = "operations"
VHOST: Final = "/"

NOTHING: Final = "^$"
EVERYTHING: Final = ".*"
ANSWERS: Final = r"terminal\.[A-Za-z0-9._-]+|amq\.gen-.*"
"""The queues that a terminal may have for itself, to hear the answers to what it says."""


def definitions(passwords: Mapping[str, str], system: topology.Topology) -> Json:
    """Return the document that RabbitMQ loads at its start, with every exchange and queue of the system."""
    everything = list(system.all_queues())
    return {
        "vhosts": [{"name": VHOST}],
        "users": [_user(name, passwords[f"amqp.{name}"]) for name in (*SERVICES, TERMINALS, OPERATIONS)],
        "permissions": [
            *(_service(service, everything) for service in SERVICES),
            _permission(TERMINALS, configure=ANSWERS, write=f"{ANSWERS}|{_any((topology.TERMINALS,))}",
                        read=f"{ANSWERS}|{_any((topology.EVENTS,))}"),
            _permission(OPERATIONS, configure=EVERYTHING, write=EVERYTHING, read=EVERYTHING),
        ],
        "topic_permissions": [
            {"user": TERMINALS, "vhost": VHOST, "exchange": topology.TERMINALS, "read": NOTHING,
             "write": rf"{BRANCH_PATTERN.rstrip('$')}\..+$"},
        ],
        "exchanges": [
            {"name": name, "vhost": VHOST, "type": kind, "durable": True, "auto_delete": False, "internal": False,
             "arguments": {}}
            for name, kind in topology.EXCHANGES.items()
        ],
        "queues": [
            {"name": queue.name, "vhost": VHOST, "durable": True, "auto_delete": False, "arguments": queue.arguments}
            for queue in everything
        ],
        "bindings": [
            {"source": exchange, "vhost": VHOST, "destination": queue.name, "destination_type": "queue",
             "routing_key": key, "arguments": {}}
            for queue in everything
            for exchange, key in queue.bindings
        ],
    }  # fmt: skip


def _service(service: str, queues: Iterable[topology.Queue]) -> Json:
    own = [queue.name for queue in queues if queue.service == service]
    published = {topology.INTERNAL, topology.EVENTS, topology.DEAD_LETTERS}
    if service == "gateway":
        published |= {topology.CONTROL, topology.REPLAY}
    return _permission(service, configure=NOTHING, write=_any(published), read=_any(own))


def _permission(user: str, *, configure: str, write: str, read: str) -> Json:
    anchored = {
        name: pattern if pattern in (NOTHING, EVERYTHING) else f"^({pattern})$"
        for name, pattern in (("configure", configure), ("write", write), ("read", read))
    }
    return {"user": user, "vhost": VHOST, **anchored}


def _any(names: Iterable[str]) -> str:
    return "|".join(name.replace(".", r"\.") for name in sorted(names)) or "(?!)"


def _user(name: str, password: str) -> Json:
    return {
        "name": name,
        "password_hash": password_hash(password, secrets.token_bytes(4)),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": ["administrator"] if name == OPERATIONS else [],
    }


def password_hash(password: str, salt: bytes) -> str:
    """Hash a password as RabbitMQ keeps it: base64 of the salt (4 bytes) and SHA-256 of salt and password."""
    return b64encode(salt + sha256(salt + password.encode()).digest()).decode()
