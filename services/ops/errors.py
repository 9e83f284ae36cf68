"""What goes wrong on the command line: one line on stderr, and an exit code.

2: the command or a setting is wrong, and the same call will fail again. 1: everything else.
"""

import os
import sys

from shared.settings import SettingsError


class CommandError(Exception):
    """The command could not do what it was asked for; its text is the line that the user reads."""

    exit_code = 1


class UsageError(CommandError):
    """The command line, a file that it names or a setting is wrong."""

    exit_code = 2


def exit_code_of(error: Exception) -> int:
    """Say on stderr what went wrong; return the exit code. Raises an error that is a bug of ours."""
    if isinstance(error, CommandError):
        return _say(str(error), error.exit_code)
    if isinstance(error, SettingsError):
        return _say(str(error), 2)
    if type(error).__name__ == "NoArgsIsHelpError":
        return 2  # the help was printed; that is all there is to say
    # Typer carries its own copy of click, so its errors are known by what they can do.
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):
        return _say(error.format_message() + _hint(error), error.exit_code)
    if os.environ.get("LOBBY_LOG_LEVEL") == "debug":
        raise error
    return _say(f"{type(error).__name__}: {error} (LOBBY_LOG_LEVEL=debug shows where)", 1)


def _hint(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    return f" (see `{context.command_path} --help`)" if context is not None else ""


def _say(message: str, exit_code: int) -> int:
    one_line = " ".join(message.split())
    print(f"lobby: {one_line}", file=sys.stderr)
    return exit_code
