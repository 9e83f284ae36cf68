"""Runs a service's method as a nameko worker, and waits for it."""

from typing import Any

from eventlet.event import Event as Result
from nameko.containers import ServiceContainer
from nameko.extensions import Entrypoint

from shared.bus.retry import Cancelled


def run_worker(container: ServiceContainer, entrypoint: Entrypoint, *args: Any) -> None:
    """Run the entrypoint's method with the service's dependencies; raise what it raises.

    A worker that ends without a result was killed, or a dependency raised around it: nobody knows what it has done,
    and :class:`Cancelled` is raised.
    """
    result = Result()

    def handle_result(_context: Any, value: Any, exc_info: Any) -> tuple[Any, Any]:
        result.send(None if exc_info is None else exc_info[1])
        return value, exc_info

    worker = container.spawn_worker(entrypoint, args, {}, handle_result=handle_result)
    thread = container._worker_threads[worker]
    thread.link(lambda _thread: None if result.ready() else result.send(Cancelled()))
    error = result.wait()
    if error is not None:
        raise error
