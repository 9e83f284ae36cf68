"""The files of a deployment: a directory a part, so that a container is given only what is its own.

``state`` keeps the secrets and belongs to the setup alone. ``broker`` gets the definitions, ``database``
the superuser's password, ``proxy`` nginx's configuration, ``operations`` what the migrations need,
and each service its settings, the public key of the tokens, and its own keys.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from services.ops.provisioning.broker import OPERATIONS, definitions
from services.ops.provisioning.proxy import PORT, configuration
from services.ops.provisioning.secrets import SUPERUSER, passwords, write_file
from shared.bus.topology import Topology
from shared.settings import SERVICES, Settings
from shared.storage.vault_key import master_key
from shared.web.keys import PRIVATE_FILE, PUBLIC_FILE, local_private_key

BROKER: Final = "rabbitmq:5672"
DATABASE: Final = "postgres:5432/lobby"
MOUNT: Final = Path("/run/lobby")
"""Where a container finds its own directory."""


def write(
    root: Path, system: Topology, *, processes: Mapping[str, int] = MappingProxyType({}), owner: int | None = None
) -> Iterator[Path]:
    """Write everything below ``root``; yield each file. ``processes``: of services that have more than one."""
    state = root / "state"
    known = passwords(state / "passwords.json")
    keys = _keys(state)
    yield write_file(root / "broker" / "definitions.json", _json(definitions(known, system)), 0o644)
    yield write_file(root / "database" / "password", known[f"sql.{SUPERUSER}"].encode(), 0o600)
    yield write_file(root / "proxy" / "lobby.conf", configuration(processes).encode(), 0o644)
    yield write_file(root / "operations" / "passwords.json", _json(known), 0o600, owner)
    yield write_file(root / "operations" / "lobby.yaml", _settings(known, OPERATIONS, SUPERUSER, {}), 0o600, owner)
    for service in SERVICES:
        for name, content in _service_files(service, known, keys).items():
            yield write_file(root / service / name, content, 0o600, owner)


def _service_files(service: str, known: dict[str, str], keys: dict[str, bytes]) -> dict[str, bytes]:
    files = {PUBLIC_FILE: keys[PUBLIC_FILE]}
    more = {"jwt_public_key_file": str(MOUNT / PUBLIC_FILE), "http_address": f"0.0.0.0:{PORT}"}
    if service == "vip":
        files["vault.key"] = keys["vault.key"]
        more["vault_key_file"] = str(MOUNT / "vault.key")
    if service == "gateway":
        # `lobby token issue` in the gateway's container signs with it.
        files |= {f"keys/{name}": keys[name] for name in (PRIVATE_FILE, PUBLIC_FILE)}
        more |= {"data_dir": str(MOUNT), "origin": "http://proxy"}
        more |= {f"{other}_url": f"http://{other}:{PORT}" for other in SERVICES if other != "gateway"}
    return {**files, "lobby.yaml": _settings(known, service, service, more)}


def _settings(known: dict[str, str], user: str, role: str, more: dict[str, str]) -> bytes:
    settings = {
        "amqp_url": f"amqp://{user}:{quote(known[f'amqp.{user}'])}@{BROKER}/",
        "database_url": f"postgresql://{role}:{quote(known[f'sql.{role}'])}@{DATABASE}",
        **more,
    }
    return _json(settings)  # JSON is YAML


def _keys(state: Path) -> dict[str, bytes]:
    settings = Settings(data_dir=state, vault_key_file=None, jwt_public_key_file=None)
    local_private_key(settings)
    return {
        "vault.key": master_key(settings),
        **{name: (state / "keys" / name).read_bytes() for name in (PRIVATE_FILE, PUBLIC_FILE)},
    }


def _json(document: object) -> bytes:
    return (json.dumps(document, indent=2) + "\n").encode()
