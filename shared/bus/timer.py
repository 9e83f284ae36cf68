"""Timers of a service: a method that is called every so many seconds."""

import threading
import time
from typing import Any

import structlog
from eventlet.event import Event as Result
from nameko.extensions import Entrypoint

from shared.bus.database import Database

log = structlog.get_logger()

STANDSTILL_S = 5.0
"""A timer that comes so late, or fails, says that the process or its database stood still."""


class Every(Entrypoint):
    """Calls the method every so many wall seconds, one call at a time."""

    database = Database()

    def __init__(self, seconds: float, *, after_silence: bool = False, **kwargs: Any) -> None:
        """``seconds`` are between the end of one call and the beginning of the next.

        ``after_silence`` is for a method that concludes something from silence, which the process itself
        may have caused: it is called only while the process has run for LOBBY_SILENCE_S without a standstill.
        """
        super().__init__(**kwargs)
        self._seconds = seconds
        self._after_silence = after_silence

    def start(self) -> None:
        """Begin."""
        self._stop = threading.Event()
        self._thread = self.container.spawn_managed_thread(self._run, identifier="timer")

    def stop(self) -> None:
        """End after the call at hand."""
        self._stop.set()
        self._thread.wait()

    def _run(self) -> None:
        since = before = time.monotonic()
        silence_s = self.database.settings.silence_s if self._after_silence else 0.0
        while not self._stop.wait(self._seconds):
            now = time.monotonic()
            if now - before > self._seconds + STANDSTILL_S:
                since = now
            before = now
            if now - since >= silence_s and not self._call():
                since = now

    def _call(self) -> bool:
        """Run the method as a nameko worker and wait for it; return whether it went well."""
        result = Result()

        def handle_result(_ctx: Any, value: Any, exc_info: Any) -> tuple[Any, Any]:
            if exc_info is not None:
                log.error("timer_failed", method=self.method_name, exc_info=exc_info)
            result.send(exc_info is None)
            return value, exc_info

        self.container.spawn_worker(self, (), {}, handle_result=handle_result)
        return bool(result.wait())


every = Every.decorator
