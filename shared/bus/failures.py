"""What a dead letter says of an exception in a reaction."""

import traceback


def describe(error: BaseException) -> str:
    """Return an exception for a dead letter: its text and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    where = " < ".join(
        f"{frame.name} ({frame.filename.rpartition('/')[2]}:{frame.lineno})" for frame in reversed(frames)
    )
    return f"{type(error).__name__}: {error}"[:2000] + (f" — in {where}" if where else "")
