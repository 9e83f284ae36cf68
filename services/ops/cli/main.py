"""The entry point: patches the sockets for the servers, runs the sub-command, turns errors into one line.

``lobby up`` and ``lobby serve`` run on eventlet, whose patches must come before anything that touches
sockets or threads; ``lobby simulate`` runs on asyncio and must not be patched.
"""

import sys
from collections.abc import Sequence

SERVERS = frozenset(("up", "serve"))
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``lobby`` with these arguments (by default the process's own); return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if sub_command(arguments) in SERVERS:
        from shared.bus import eventlet_patch

        eventlet_patch.patch()
    if argv is None:  # the process is ours: what is printed on stdout is the answer, and nothing else
        import structlog

        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    return _run(arguments)


def sub_command(arguments: Sequence[str]) -> str | None:
    """Return the first argument that is neither an option nor the value of ``--config``."""
    expects_value = False
    for argument in arguments:
        if expects_value:
            expects_value = False
        elif argument.startswith("-"):
            expects_value = argument == "--config"
        else:
            return argument
    return None


def _run(arguments: Sequence[str]) -> int:
    from services.ops.cli.app import app
    from services.ops.errors import exit_code_of

    try:
        result = app(args=list(arguments), prog_name="lobby", standalone_mode=False)
    except BrokenPipeError:
        return 0  # the reader of our output has seen enough: `lobby … | head`
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        return exit_code_of(error)
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
