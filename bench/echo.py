"""Baseline of the HTTP bench: a stock nameko ``http`` entrypoint that only gives back what it got."""

# ruff: noqa: E402 - the patch comes before everything that opens sockets
from shared.bus.eventlet_patch import patch

patch()

import signal
import sys
from types import FrameType

from nameko.containers import ServiceContainer
from nameko.web.handlers import http
from werkzeug.wrappers import Request


class Echo:
    """Answers with the body of the request."""

    name = "echo"

    @http("POST", "/v1/branches/<string:b>/tickets")
    def tickets(self, request: Request, b: str) -> str:
        """Read the body and send it back."""
        body: str = request.get_data(as_text=True)
        return body


if __name__ == "__main__":
    container = ServiceContainer(Echo, {"WEB_SERVER_ADDRESS": sys.argv[1], "max_workers": 64})

    def end(_number: int, _frame: FrameType | None) -> None:  # noqa: D103 - a signal handler
        raise SystemExit

    signal.signal(signal.SIGTERM, end)
    container.start()
    container.wait()
