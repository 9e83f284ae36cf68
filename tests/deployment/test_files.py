"""Secrets are made once and kept, and a container is given only what is its own."""

import json
import stat
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from services.ops.provisioning.files import NAMES, write
from services.ops.service_classes import topology_of
from shared.settings import SERVICES, Settings


@pytest.fixture
def root(tmp_path: Path) -> Path:
    assert list(write(tmp_path, topology_of(4)))
    return tmp_path


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_second_run_keeps_every_secret(root: Path) -> None:
    before = contents(root)
    assert list(write(root, topology_of(4)))
    after = contents(root)
    del before["broker/definitions.json"], after["broker/definitions.json"]  # its hashes have new salts
    assert after == before


def test_a_lost_password_is_made_again_and_the_others_are_kept(root: Path) -> None:
    path = root / "state" / "passwords.json"
    before = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in before.items() if name != "amqp.vip"}))
    assert list(write(root, topology_of(4)))
    after = json.loads(path.read_text())
    assert {name for name in NAMES if before[name] != after[name]} == {"amqp.vip"}


def test_no_two_deployments_share_a_secret(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert list(write(tmp_path / name, topology_of(4)))
    one, two = (contents(tmp_path / name) for name in ("one", "two"))
    assert not set(json.loads(one["state/passwords.json"]).values()) & set(
        json.loads(two["state/passwords.json"]).values()
    )
    for key in ("vip/vault.key", "gateway/keys/jwt-private.pem"):
        assert one[key] != two[key]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_given_its_own_passwords_only(root: Path, service: str) -> None:
    passwords = json.loads((root / "state" / "passwords.json").read_text())
    given = b"".join(path.read_bytes() for path in (root / service).rglob("*") if path.is_file()).decode("latin-1")
    assert {name for name, password in passwords.items() if password in given} == {f"amqp.{service}", f"sql.{service}"}


def test_only_vip_has_the_vault_s_key_and_only_the_gateway_signs_tokens(root: Path) -> None:
    assert {path.parent.name for path in root.rglob("vault.key")} == {"keys", "vip"}
    assert [path.relative_to(root).parts[0] for path in sorted(root.rglob("jwt-private.pem"))] == ["gateway", "state"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_s_settings_are_settings(root: Path, service: str) -> None:
    settings = YAML(typ="safe", pure=True).load((root / service / "lobby.yaml").read_text())
    assert set(settings) <= set(Settings.model_fields)
    assert settings["amqp_url"].startswith(f"amqp://{service}:")
    assert settings["database_url"].startswith(f"postgresql://{service}:")


def test_secrets_are_for_their_owner_s_eyes(root: Path) -> None:
    public = {"broker/definitions.json", "proxy/lobby.conf"}
    for path in (path for path in root.rglob("*") if path.is_file()):
        mode = stat.S_IMODE(path.stat().st_mode)
        if str(path.relative_to(root)) not in public and path.name != "jwt-public.pem":
            assert mode == 0o600, path
