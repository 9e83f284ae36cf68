"""``python -m bench.crossing``: which of our files, functions and calls a warm ticket crosses, from socket to commit.

The service runs as it does for users, embedded, in this process; the profile is on from the first byte of one request
to the commit of its transaction. Counted is what lies in ``services`` and ``shared``; comprehensions and generator
expressions are no calls.
"""

import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

WARM = 50
ROOT = Path(__file__).parents[1]
OURS = (str(ROOT / "services"), str(ROOT / "shared"))
INLINE = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
AIM = {"files": 30, "functions": 110, "calls": 300}

crossed: Counter[tuple[str, str]] = Counter()


def main() -> None:
    """Measure one ticket, and print the figures and the files in the order of their calls."""
    with TemporaryDirectory() as folder:
        os.environ.update(
            LOBBY_DATA_DIR=folder, LOBBY_HTTP_ADDRESS=f"127.0.0.1:{_free_port()}", LOBBY_LOG_LEVEL="error"
        )
        _run()
    files = Counter(name for name, _ in crossed)
    figures = {"files": len(files), "functions": len(crossed), "calls": crossed.total()}
    for what, figure in figures.items():
        print(f"{what:<10}{figure:>6}   aim ≤ {AIM[what]}")
    by_file: Counter[str] = Counter()
    for (name, _), calls in crossed.items():
        by_file[name] += calls
    for name, calls in by_file.most_common():
        print(f"  {calls:>4} calls of {files[name]:>3} functions  {name}")


def _free_port() -> int:
    from tests.support.processes import free_port

    return free_port()


def _run() -> None:
    from shared.bus.eventlet_patch import patch

    patch()
    import eventlet
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    from services.ops.provisioning.migrations import upgrade
    from services.ops.service_classes import classes_of, topology_of
    from shared import logs
    from shared.bus.process import run_until_signalled
    from shared.settings import load_settings

    settings = load_settings()
    logs.configure(settings)
    for _ in upgrade(settings):
        pass
    event.listen(Engine, "commit", lambda _connection: sys.setprofile(None))

    def play() -> None:
        try:
            _tickets(settings)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    run_until_signalled(
        settings, classes_of(["triage"]), topology_of(settings.queue_shares),
        on_ready=lambda: eventlet.spawn(play), while_running=lambda: None,
    )  # fmt: skip


def _tickets(settings: Any) -> None:
    from http.client import HTTPConnection

    from services.ops.local_tokens import token_for
    from shared.contracts.http.triage import TAKE_TICKET

    token = token_for(settings, None, TAKE_TICKET, branch="demo")
    host, port = settings.http_address.split(":")
    connection = HTTPConnection(host, int(port))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = json.dumps({"business": "transfer", "customer": {"age": 40}})
    for n in range(WARM + 1):
        if n == WARM:
            sys.setprofile(_count)
        connection.request("POST", "/v1/branches/demo/tickets", body, headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 201, answer.status
    sys.setprofile(None)


def _count(frame: FrameType, what: str, _argument: object) -> None:
    if what == "call" and frame.f_code.co_filename.startswith(OURS) and frame.f_code.co_name not in INLINE:
        crossed[frame.f_code.co_filename.removeprefix(f"{ROOT}/"), frame.f_code.co_qualname] += 1


if __name__ == "__main__":
    main()
