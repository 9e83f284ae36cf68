"""What serves: counters and devices (T10), and the policy that the branch is run by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from shared.contracts.base import Id, Name, Time
from shared.contracts.envelope import EventData
from shared.contracts.events.triage.types import Channel, DeviceState
from shared.contracts.registry import event


@event("lobby.triage.counter_opened.v1")
@dataclass(frozen=True, kw_only=True)
class CounterOpened(EventData):
    """A counter serves these channels from now on (T10)."""

    counter: Name
    channels: Annotated[tuple[Channel, ...], Field(description="In the order in which the call named them.")]
    teller_ref: Annotated[Id | None, Field(description="Who works there; opaque.")] = None
    businesses: Annotated[tuple[Name, ...], Field(description="Its skills; none means every business.")] = ()
    by: Annotated[Id | None, Field(description="Whose token it was; the counter is theirs until it closes.")] = None


@event("lobby.triage.counter_closed.v1")
@dataclass(frozen=True, kw_only=True)
class CounterClosed(EventData):
    """A counter serves nobody any more."""

    counter: Name


@event("lobby.triage.device_changed.v1")
@dataclass(frozen=True, kw_only=True)
class DeviceChanged(EventData):
    """A self-service device goes down or comes back (T10)."""

    device_id: Name
    kind: Annotated[str, Field(description="atm, crs, vtm, kiosk, printer, display or phone.")]
    status: DeviceState
    reported_at: Annotated[Time, Field(description="When it was so: an older report changes nothing (T10).")]
    detail: str | None = None


@event("lobby.triage.policy_changed.v1")
@dataclass(frozen=True, kw_only=True)
class PolicyChanged(EventData):
    """The branch is run by this policy from now on (T2, T3, T6, T8, T11).

    The event carries the whole policy, so that whoever replays a day, or needs the opening hours, needs no file.
    """

    version: Annotated[int, Field(ge=1, description="Counts the branch's policies from 1.")]
    digest: Annotated[str, Field(description="SHA-256 of the policy's canonical JSON, in hexadecimal.")]
    source: Annotated[str, Field(description="The bank's policy file, or `default`.")]
    by: Annotated[Id | None, Field(description="Who set the branch's own exceptions; null: the file changed.")] = None
    changed: Annotated[tuple[str, ...], Field(description="The fields that differ from the policy before.")] = ()
    overrides: Annotated[
        Mapping[str, Any],
        Field(description="The branch's own exceptions, set by HTTP.", json_schema_extra={"default": {}}),
    ] = field(default_factory=dict)
    policy: Annotated[
        Mapping[str, Any], Field(description="Every field with its value; `lobby policy schema` describes them.")
    ]


CounterEvent = CounterOpened | CounterClosed
