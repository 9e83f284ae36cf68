"""Contenders of the streams: the gateway as it is, and one whose streams each read the log by themselves."""

# ruff: noqa: E402 - the patch comes before everything that opens sockets
from shared.bus.eventlet_patch import patch

patch()

import sys
from collections.abc import Iterator, Sequence

from werkzeug.wrappers import Response

from services.gateway.branch_tails import BranchTails, Notifier
from services.gateway.service import BranchTailsProvider, GatewayService
from services.gateway.stream import Item
from services.ops.service_classes import topology_of
from shared import logs
from shared.bus.process import run_until_signalled
from shared.contracts.http import gateway as calls
from shared.ids import partition_of
from shared.settings import load_settings
from shared.storage import Row, Storage
from shared.storage import log as storage_log
from shared.web.entrypoint import http
from shared.web.request_context import Call
from shared.web.sse import EventStream


class NotifierProvider(BranchTailsProvider):
    """Notifies a branch of each commit, whoever follows it."""

    def start(self) -> None:
        """Hear of every commit."""
        super().start()
        self.database.storage.on_commit(self._notify)

    def _notify(self, rows: Sequence[Row]) -> None:
        for branch in {row.branch for row in rows}:
            self.tails.notifier.notify(branch)


class EachReads(GatewayService):
    """A stream reads the log, and then waits until its branch is notified the next time."""

    name = "gateway"
    branch_tails: BranchTails = NotifierProvider()

    @http(calls.STREAM)
    def stream(self, call: Call) -> Response:
        """Follow a branch."""
        return EventStream(call, _read(self.storage, call.branch, self.branch_tails.notifier))


def _read(storage: Storage, branch: str, notifier: Notifier) -> Iterator[Item | None]:
    pp = partition_of(branch)
    with storage.read() as connection:
        position = storage_log.heads(connection)[pp]
    while True:
        with storage.read() as connection:
            rows = storage_log.after(connection, {pp: position}, limit=200, branches=[branch])
        for row in rows:
            position = row.pos
            yield str(row.pos), row.type, row.body.encode()
        if not rows:
            notifier.wait(branch, notifier.count(branch), 1.0)
            yield None


if __name__ == "__main__":
    settings = load_settings()
    logs.configure(settings)
    service = {"each": EachReads, "shared": GatewayService}[sys.argv[1]]
    run_until_signalled(
        settings, [service], topology_of(settings.queue_shares), on_ready=lambda: None, while_running=lambda: None
    )
