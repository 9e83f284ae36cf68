"""nginx itself gives a branch's calls to one process of a service."""

import subprocess
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from services.ops.provisioning.proxy import configuration
from tests.containers.stack import ROOT
from tests.support.processes import wait_until

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300)]

IMAGE = YAML(typ="safe", pure=True).load((ROOT / "docker-compose.yml").read_text())["services"]["proxy"]["image"]
HOSTS = ("triage", "triage-2", "triage-3")


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, compose: list[str]) -> Iterator[str]:
    """The origin of a proxy in front of three processes that answer with their names."""
    files = tmp_path_factory.mktemp("nginx")
    names = [f"{host}-{uuid.uuid4().hex[:8]}" for host in ("proxy", *HOSTS)]
    network = names[0]
    docker("network", "create", network)
    try:
        for name, host in zip(names, ("proxy", *HOSTS), strict=True):
            file = files / f"{host}.conf"
            text = f"server {{ listen 8000; location / {{ default_type text/plain; return 200 '{host}'; }} }}"
            file.write_text(configuration({"triage": 3}) if host == "proxy" else text)
            _run(name, host, network, file)
        origin = f"http://{docker('port', names[0], '80').splitlines()[0]}"
        wait_until(lambda: _host(origin, "/v1/branches/hq/queue") in HOSTS, within_s=30, what="the proxy to answer")
        yield origin
    finally:
        for remove in (["rm", "--force", "--volumes", *names], ["network", "rm", network]):
            subprocess.run(["docker", *remove], capture_output=True, check=False, timeout=60)


def _run(name: str, host: str, network: str, file: Path) -> None:
    mount = f"{file}:/etc/nginx/conf.d/lobby.conf:ro"
    place = ("--name", name, "--network", network, "--network-alias", host)
    docker("run", "--detach", *place, "--volume", mount, "--publish", "127.0.0.1::80", IMAGE)


def _host(origin: str, path: str) -> str:
    """Return who answers a call."""
    try:
        with urllib.request.urlopen(origin + path, timeout=10) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def test_a_branch_stays_with_one_process_and_the_branches_are_shared_out(proxy: str) -> None:
    branches = {f"b-{number}" for number in range(24)}
    first = {branch: _host(proxy, f"/v1/branches/{branch}/queue") for branch in branches}
    again = {branch: _host(proxy, f"/v1/branches/{branch}/care") for branch in branches}
    assert first == again
    assert set(first.values()) == set(HOSTS)


def test_a_call_by_an_id_reaches_any_process(proxy: str) -> None:
    assert set(Counter(_host(proxy, "/v1/tickets/t-1") for _ in range(24))) == set(HOSTS)
