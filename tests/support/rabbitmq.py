"""A RabbitMQ of our own from the machine's binaries, that a test may kill and freeze."""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote

from tests.support.processes import Group, Unavailable, free_port, fresh_directory, wait_until
from tests.support.reaper import Reaper

USER, PASSWORD = "lobby-test", "lobby-test"
START_S = 60

_CONFIG = f"""\
default_user = {USER}
default_pass = {PASSWORD}
loopback_users = none
disk_free_limit.absolute = 50MB
"""


def binaries() -> Path:
    """Return the directory of RabbitMQ's own scripts; raise :class:`Unavailable`.

    Debian's /usr/sbin/rabbitmq-server is a wrapper that changes to the package's user and directories,
    so the scripts that it calls are preferred.
    """
    found = shutil.which("rabbitmq-server", path=os.environ.get("PATH", "") + ":/usr/sbin:/opt/homebrew/sbin")
    for place in (Path("/usr/lib/rabbitmq/bin"), Path(found).resolve().parent if found else None):
        if place is not None and (place / "rabbitmq-server").exists() and (place / "rabbitmqctl").exists():
            return place
    raise Unavailable("there is no rabbitmq-server on this machine")


def answers_amqp(host: str, port: int) -> bool:
    """Whether an AMQP 0-9-1 server greets back."""
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return connection.recv(1) == b"\x01"  # a method frame: connection.start
    except OSError:
        return False


class Broker:
    """One node. It keeps its port and its data over ``stop``/``kill9`` and ``start``."""

    def __init__(self, reaper: Reaper) -> None:
        """Prepare the node; :meth:`start` starts it. Raises :class:`Unavailable`."""
        self._reaper = reaper
        self._scripts = binaries()
        self._directory = fresh_directory(reaper, "rabbitmq")
        self.port = free_port()
        self._epmd_port = str(free_port())
        self._env = self._environment()
        self._epmd: Group | None = None
        self._node: Group | None = None
        (self._directory / "rabbitmq.conf").write_text(_CONFIG)
        (self._directory / "plugins").write_text("[].\n")

    def url(self, vhost: str = "/") -> str:
        """Return the AMQP URL of a virtual host."""
        return f"amqp://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{quote(vhost, safe='')}"

    @property
    def pid(self) -> int:
        """The Erlang machine's process id."""
        assert self._node is not None
        return self._node.process.pid

    def start(self) -> None:
        """Start the node and wait until it answers."""
        log = self._directory / "output.log"
        if self._epmd is None or not self._epmd.runs:
            epmd = ["epmd", "-port", self._epmd_port, "-address", "127.0.0.1"]
            self._epmd = Group.start(self._reaper, epmd, log=log, env=self._env)
        server = [str(self._scripts / "rabbitmq-server")]
        node = self._node = Group.start(self._reaper, server, log=log, env=self._env)
        wait_until(
            lambda: not node.runs or answers_amqp("127.0.0.1", self.port), within_s=START_S, what="RabbitMQ to answer"
        )
        if not node.runs:
            raise Unavailable(f"RabbitMQ ended at once:\n{log.read_text()[-2000:]}")

    def stop(self) -> None:
        """Stop the node in good order."""
        assert self._node is not None
        self._node.stop(signal.SIGTERM, within_s=30)

    def kill9(self) -> None:
        """Kill the node as a power cut would."""
        assert self._node is not None
        self._node.kill9()

    def sigstop(self) -> None:
        """Freeze the node: its connections stay open and nothing answers."""
        assert self._node is not None
        self._node.send(signal.SIGSTOP)

    def sigcont(self) -> None:
        """Let a frozen node go on."""
        assert self._node is not None
        self._node.send(signal.SIGCONT)

    def close(self) -> None:
        """End the node and its name server for good."""
        for group in (self._node, self._epmd):
            if group is not None:
                group.kill9()

    def control(self, *arguments: str) -> str:
        """Run ``rabbitmqctl`` against the node and return what it prints."""
        done = subprocess.run(
            [str(self._scripts / "rabbitmqctl"), "--quiet", *arguments],
            env=self._env, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"rabbitmqctl {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def add_vhosts(self, names: list[str]) -> None:
        """Make virtual hosts, all in one call since each call starts an Erlang machine."""
        add = (
            'lists:foreach(fun(V) -> rabbit_vhost:add(V, <<"tests">>), rabbit_auth_backend_internal:set_permissions('
            f'<<"{USER}">>, V, <<".*">>, <<".*">>, <<".*">>, <<"tests">>) end, [%s]).'
        )
        self.control("eval", add % ", ".join(f'<<"{name}">>' for name in names))

    def _environment(self) -> dict[str, str]:
        base = self._directory
        return {
            "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin:/bin",
            "HOME": str(base),  # the Erlang cookie is made there
            "LANG": "C.UTF-8",
            "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes the Erlang machine instead of watching it
            "ERL_EPMD_PORT": self._epmd_port,
            "RABBITMQ_NODENAME": f"lobby-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(base / "data"),
            "RABBITMQ_LOG_BASE": str(base / "log"),
            "RABBITMQ_PID_FILE": str(base / "pid"),
            "RABBITMQ_CONFIG_FILE": str(base / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": str(base / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(base / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        }
