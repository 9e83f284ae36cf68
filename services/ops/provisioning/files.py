"""The files of a deployment: a directory a part, so that a container is given only what is its own.

``state`` keeps the secrets and belongs to the setup alone. ``broker`` gets the definitions, ``database``
the superuser's password, ``proxy`` nginx's configuration, ``operations`` what the migrations need,
and each service its settings, the public key of the tokens, and its own keys.
"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from services.ops.provisioning.broker import OPERATIONS, TERMINALS, definitions
from services.ops.provisioning.proxy import PORT, configuration
from shared.bus.topology import Topology
from shared.settings import SERVICES, Settings
from shared.storage.vault import master_key
from shared.web.tokens import PRIVATE_FILE, PUBLIC_FILE, local_private_key

SUPERUSER: Final = "postgres"
_BYTES: Final = 24

NAMES: Final = (
    *(f"amqp.{user}" for user in (*SERVICES, TERMINALS, OPERATIONS)),
    *(f"sql.{role}" for role in (*SERVICES, SUPERUSER)),
)
"""The passwords that there are: of the broker's users and of the database's roles."""


def passwords(path: Path) -> dict[str, str]:
    """Return every password; those that the file lacks are made and kept in it."""
    known = read_passwords(path) if path.exists() else {}
    complete = {name: known.get(name) or secrets.token_urlsafe(_BYTES) for name in NAMES}
    if complete != known:
        write_file(path, json.dumps(complete, indent=2).encode(), 0o600)
    return complete


def read_passwords(path: Path) -> dict[str, str]:
    """Read a file of passwords."""
    found: dict[str, str] = json.loads(path.read_text("utf-8"))
    return found


def write_file(path: Path, content: bytes, mode: int, owner: int | None = None) -> Path:
    """Write a file whole or not at all, with its mode and owner from the moment that it is seen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        if owner is not None:
            os.fchown(file.fileno(), owner, owner)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return path


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
