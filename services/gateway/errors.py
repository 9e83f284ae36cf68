"""What can go wrong at the gateway, with stable codes."""

from shared.errors import Conflict, InvalidInput, LobbyError, NotFound


class InvalidEvent(InvalidInput):
    """An event of the request cannot be taken; nothing of the request was."""

    code = "invalid_event"


class StreamPositionGone(LobbyError):
    """The stream no longer holds what comes after this position."""

    code = "stream_position_gone"
    status = 410
    title = "The stream no longer reaches back that far"


class DeadLetterNotFound(NotFound):
    """No dead letter has this id."""

    code = "dead_letter_not_found"


class DeadLetterSettled(Conflict):
    """The dead letter is not parked any more."""

    code = "dead_letter_settled"
