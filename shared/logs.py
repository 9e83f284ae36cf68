"""Logs: structlog for everything, the standard library's loggers routed into it.

A line carries what is bound to the request or event at hand: service, correlation, causation,
branch, traceparent. They go to standard error; standard output belongs to what a command prints.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import structlog

from shared.settings import Settings

_FIELDS = frozenset({"service", "correlation", "causation", "branch", "traceparent", "operation"})

_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(settings: Settings) -> None:
    """Set up logging for the process as ``LOBBY_LOG`` and ``LOBBY_LOG_LEVEL`` say."""
    level = getattr(logging, settings.log_level.upper())
    renderer = _renderer(settings)
    structlog.configure(
        processors=[*_SHARED, structlog.processors.StackInfoRenderer(), *_exceptions(settings), renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_exceptions(settings),
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.INFO))
    for name, floor in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, floor))
    logging.getLogger("nameko.containers").addFilter(_is_not_reported_elsewhere)


@contextmanager
def bound(**fields: str | None) -> Iterator[None]:
    """Bind what is known of the request or event at hand to every line that is logged inside."""
    unknown = fields.keys() - _FIELDS
    if unknown:
        raise TypeError(f"not a field of the log: {', '.join(sorted(unknown))}")
    with structlog.contextvars.bound_contextvars(**{k: v for k, v in fields.items() if v}):
        yield


def add(**fields: str) -> None:
    """Bind one more thing that became known on the way, a visit's correlation for one."""
    structlog.contextvars.bind_contextvars(**fields)


_QUIET = {"amqp": logging.WARNING, "kombu": logging.WARNING, "nameko": logging.WARNING, "alembic": logging.WARNING}


def _is_not_reported_elsewhere(record: logging.LogRecord) -> bool:
    """Drop nameko's own report of a worker's exception: the web edge and the bus report it, with more."""
    return "error handling worker" not in str(record.msg)


def _exceptions(settings: Settings) -> list[structlog.typing.Processor]:
    return [structlog.processors.format_exc_info] if settings.log == "json" else []


def _renderer(settings: Settings) -> structlog.typing.Processor:
    if settings.log == "json":
        return structlog.processors.JSONRenderer(serializer=_dump)
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        exception_formatter=structlog.dev.plain_traceback,  # the default prints every local: bodies, tokens
    )


def _dump(event: Any, **_: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
