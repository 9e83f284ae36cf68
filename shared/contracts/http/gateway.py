"""The calls that the gateway serves: terminals' events, the stream, dead letters, the clock."""

from typing import Literal

from pydantic import Field

from shared.contracts.base import Body, Id, Time, View
from shared.contracts.envelope import BATCHED, STRUCTURED
from shared.contracts.http.operation import Operation


class EventsAccepted(View):
    """How many events were new, and how many we had already."""

    accepted: int
    duplicates: int


class StreamQuery(Body):
    """What of the branch's events."""

    types: str | None = Field(default=None, description="Comma-separated types; a trailing * matches the rest.")
    after: int | None = Field(default=None, ge=0, description="As Last-Event-ID, for clients that can't set it.")


class ClockView(View):
    """The business clock."""

    now: Time
    rate: float
    spec: str = Field(description="As LOBBY_CLOCK takes it.")
    offset_s: int = Field(description="Seconds east of UTC of a branch that names no time zone.")


class DeadLetterView(View):
    """A message that could not be handled."""

    id: Id
    service: str
    queue: str
    code: str = Field(description="malformed, unknown_type, unknown_version, invalid_data, too_large, failed, …")
    reason: str
    attempts: int
    state: Literal["parked", "retried", "discarded", "resolved"]
    at: Time
    branch: str | None = None
    event_id: str | None = None
    type: str | None = None
    subject: str | None = None
    body: str = Field(description="The message as text; bytes that are not UTF-8 are replaced.")


class DeadLetterQuery(Body):
    """Which dead letters."""

    service: str | None = None
    state: Literal["parked", "retried", "discarded", "resolved"] | None = None
    limit: int = Field(default=200, ge=1, le=1000)


class DeadLetterList(View):
    """Dead letters, the newest first."""

    dead_letters: tuple[DeadLetterView, ...]


class BranchView(View):
    """A branch that has been heard of."""

    branch: str
    last_event_at: Time | None


class BranchList(View):
    """The branches that the token covers."""

    branches: tuple[BranchView, ...]


POST_EVENTS = Operation(
    name="postEvents", service="gateway", method="POST", path="/v1/events", status=202,
    summary="Take one CloudEvent or a batch from a terminal; all or nothing (T4).",
    response=EventsAccepted, media_type=STRUCTURED, other_media_types=(BATCHED, "application/json"),
)  # fmt: skip
STREAM = Operation(
    name="stream", service="gateway", method="GET", path="/v1/branches/{b}/stream",
    summary="Every event of the branch as it happens; resume with Last-Event-ID.", query=StreamQuery,
    media_type="text/event-stream",
)  # fmt: skip
BRANCHES = Operation(
    name="branches", service="gateway", method="GET", path="/v1/branches", summary="The branches.",
    response=BranchList,
)  # fmt: skip
CLOCK = Operation(
    name="clock", service="gateway", method="GET", path="/v1/clock", summary="The business clock.",
    response=ClockView,
)  # fmt: skip
DEAD_LETTERS = Operation(
    name="deadLetters", service="gateway", method="GET", path="/v1/dead-letters",
    summary="What could not be handled, with the reason.",
    query=DeadLetterQuery, response=DeadLetterList,
)  # fmt: skip
RETRY = Operation(
    name="retryDeadLetter", service="gateway", method="POST", path="/v1/dead-letters/{id}/retry", status=202,
    summary="Hand the message to exactly the consumer that failed.",
    response=DeadLetterView,
)  # fmt: skip
DISCARD = Operation(
    name="discardDeadLetter", service="gateway", method="POST", path="/v1/dead-letters/{id}/discard", status=202,
    summary="Give the message up; what waits behind it goes on.",
    response=DeadLetterView,
)  # fmt: skip

OPERATIONS = (POST_EVENTS, STREAM, BRANCHES, CLOCK, DEAD_LETTERS, RETRY, DISCARD)
