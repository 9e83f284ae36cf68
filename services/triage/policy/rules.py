"""What a bank sets: its businesses, who goes where and when, who is ahead of whom, and by how much (T2-T6)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final, Literal

from shared.contracts.events.triage import Channel, Form
from shared.contracts.events.types import CardTier, LocalizedText

Diversion = Literal["never", "always", "small"]
DeviceKind = Literal["atm", "crs", "vtm", "kiosk", "printer", "display", "phone"]


@dataclass(frozen=True, kw_only=True)
class Paper:
    """Something that a business needs on paper (T5)."""

    kind: Literal["document", "form"]
    """A document is brought along; a form is filled in here."""
    name: LocalizedText
    """What customers and staff read, in both languages."""


@dataclass(frozen=True, kw_only=True)
class Business:
    """What a customer can want."""

    name: LocalizedText
    """What customers and staff read, in both languages."""
    channel: Channel
    """Where it is served when nothing else decides."""
    forms: tuple[str, ...] = ()
    """The documents and forms that it needs, by their codes (T5)."""
    diversion: Diversion = "never"
    """Whether a working device may do it instead: never, any amount, or small amounts (T3)."""
    devices: tuple[DeviceKind, ...] = ()
    """The kinds of device that can do it."""


def close_matches(code: str, among: Iterable[str]) -> tuple[str, ...]:
    """Return the words that look like a mistyped one, the closest first."""
    return tuple(get_close_matches(code, list(among), n=3, cutoff=0.5))


CURRENCY: Final = "CNY"
"""What the amounts of a policy are in."""

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@dataclass(frozen=True, kw_only=True)
class Series:
    """How a channel's numbers look (T4)."""

    prefix: str = field(metadata={"pattern": "^[A-Z]{1,4}$"})
    """The letters that they begin with; no two channels have the same."""
    start: int = field(default=1, metadata={"ge": 0, "le": 99_999})
    """The first number of a day."""
    width: int = field(default=3, metadata={"ge": 1, "le": 6})
    """The digits that a number is filled up to with zeros."""

    def number(self, drawn: int) -> str:
        """Return a drawn number as it is printed, such as A001."""
        return f"{self.prefix}{drawn:0{self.width}d}"


_PRIORITY: Mapping[CardTier, int] = MappingProxyType({"none": 0, "gold": 1, "platinum": 2, "private": 3})
_PREFIX: Mapping[Channel, str] = MappingProxyType(
    {
        "counter": "A", "green": "G", "vip": "V", "corporate": "C", "self_service": "S", "loan_desk": "L",
        "wealth_desk": "W", "corporate_desk": "K", "phone_bank": "P", "online": "O",
    }
)  # fmt: skip
_SERIES: Mapping[Channel, Series] = MappingProxyType(
    {channel: Series(prefix=prefix) for channel, prefix in _PREFIX.items()}
)
_DAY = ("09:00-17:00",)
_HOURS: Mapping[Weekday, tuple[str, ...]] = MappingProxyType(
    {"mon": _DAY, "tue": _DAY, "wed": _DAY, "thu": _DAY, "fri": _DAY, "sat": (), "sun": ()}
)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The policy of a retail branch; what it offers (``businesses``, ``forms``) comes from the policy file.

    A unit of priority is worth ``ageing_s`` seconds of waiting, so that nobody starves: who has waited
    that much longer is as far ahead as the priority. Beyond that, nobody is overtaken more than
    ``max_overtakes`` times (T6, T12).
    """

    green_age: int | None = field(default=65, metadata={"ge": 0, "le": 150})
    """From this age, in years, a customer is served ahead; null: age alone is no reason (T6)."""
    green_mobility: bool = True
    """Whether reduced mobility is a reason to be served ahead (T6)."""
    green_pregnant: bool = True
    """Whether expecting a child is a reason to be served ahead (T6)."""
    green_infant: bool = True
    """Whether having an infant along is a reason to be served ahead (T6)."""
    green_urgent: bool = True
    """Whether an urgent need is a reason to be served ahead (T6)."""
    green_priority: int = field(default=2, metadata={"ge": 0, "le": 100})
    """The priority of who is served ahead (T6)."""
    small_withdrawal_minor: int = 2_000_000
    """The largest amount of a business with ``diversion: small`` that is guided to a device; only yuan compare (T3)."""
    vip_tiers: tuple[CardTier, ...] = ("platinum", "private")
    """The card tiers that the VIP channel receives, whatever the business (T2, V1)."""
    priority_of_tier: Mapping[CardTier, int] = field(default_factory=lambda: dict(_PRIORITY))
    """The priority of each card tier; a tier that is missing has none (T6)."""
    ageing_s: float = field(default=300.0, metadata={"gt": 0})
    """How much waiting a unit of priority is worth (T12)."""
    max_overtakes: int = field(default=10, metadata={"ge": 1})
    """After being overtaken so often a ticket is called next (T12)."""
    vip_share: float = field(default=0.5, metadata={"ge": 0, "le": 1})
    """Of a counter's calls while VIPs and others wait for it, how much VIPs may have; 0: others go first (T7)."""
    max_no_shows: int = field(default=3, metadata={"ge": 1})
    """After so many calls that nobody came to, the customer counts as left (T7)."""
    transfer_place: Literal["request_time", "end"] = "request_time"
    """Where a transferred ticket stands: where its request time puts it, or at the end of its new line (T7)."""
    no_show_grace_s: float = 600.0
    """How long after a no-show the customer may come back to the place that they had (T7)."""
    reserved_expiry_s: float = 900.0
    """How long a ticket waits for its paper to be reported before it is given up (T4)."""
    day_end_s: float = field(default=0.0, metadata={"le": 43_200})
    """How long after midnight the business day ends; what is open then is closed (T7)."""
    day_end_quiet_s: float = 600.0
    """Nothing must have happened for so long, before the day's end closes what is open (T7)."""
    early_s: float = 60.0
    """How far ahead of ours the clock of a terminal may be (T4)."""
    late_s: float = 36 * 3600.0
    """How long ago a customer may have asked, when a terminal had no network (T4)."""
    offline_late_s: float = 7 * 86_400.0
    """How long after its business day a terminal may report what it did without a network (T4)."""
    first_service_s: float = 300.0
    """The mean service that is assumed before the branch has a history (T9)."""
    least_p90_s: float = 30.0
    """No 90 % promise is shorter: it takes a moment to call even who finds a free counter (T9)."""
    appointment_priority: int = field(default=2, metadata={"ge": 0, "le": 100})
    """The priority of who comes to an appointment in time, or too early (T11)."""
    appointment_early_s: float = field(default=900.0, metadata={"ge": 0})
    """Who comes earlier than this before their slot stands where the slot is (T11)."""
    appointment_late_s: float = field(default=900.0, metadata={"ge": 0})
    """Who comes later than this after their slot is as one without an appointment (T11)."""
    starvation_s: float = field(default=3600.0, metadata={"gt": 0})
    """After so long a wait an alarm is raised (T8, T12)."""
    care_wait_s: float = field(default=1200.0, metadata={"gt": 0})
    """After so long a wait somebody should look after a customer (T8)."""
    care_wait_frail_s: float = field(default=600.0, metadata={"gt": 0})
    """The same for who is old, expecting, of reduced mobility or with an infant (T8)."""
    care_overtaken: int = field(default=5, metadata={"ge": 1})
    """After being overtaken so often somebody should look after the customer (T8, T12)."""
    care_hold_s: float = field(default=900.0, metadata={"gt": 0})
    """After a business was set aside for so long somebody should look after the customer (T8)."""
    care_again_s: float = field(default=900.0, metadata={"ge": 0})
    """For so long nobody is looked after twice (T8)."""
    line_limit: int = field(default=20, metadata={"ge": 1})
    """A line that is longer is told of (T8)."""
    longest_wait_limit_s: float = field(default=1800.0, metadata={"gt": 0})
    """A line in which somebody waits longer is told of (T8)."""
    p90_limit_s: float = field(default=1800.0, metadata={"gt": 0})
    """A line that promises a longer wait is told of (T8)."""
    threshold_back: float = field(default=0.8, metadata={"gt": 0, "le": 1})
    """At this part of its limit a line counts as back below it (T8)."""
    opening_hours: Mapping[Weekday, tuple[str, ...]] = field(default_factory=lambda: dict(_HOURS))
    """When the branch is open, by weekday, in its own time zone: spans such as 09:00-17:00; none: closed."""
    special_days: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Days that have hours of their own, by date (2026-10-01): public holidays, and weekends that are worked."""
    outside_hours: Literal["accept", "refuse"] = "accept"
    """What becomes of a request for a ticket while the branch is closed (T4)."""
    series: Mapping[Channel, Series] = field(default_factory=lambda: dict(_SERIES))
    """How the numbers of each channel look (T4)."""
    forms: Mapping[str, Paper] = field(default_factory=dict)
    """The documents and forms that businesses need, by code (T5)."""
    businesses: Mapping[str, Business] = field(default_factory=dict)
    """What customers can want here, by code (T1)."""

    def forms_of(self, business: Business) -> tuple[Form, ...]:
        """Return the documents and forms that a business needs, with their names (T5)."""
        return tuple(Form(code=code, name=self.forms[code].name) for code in business.forms)


LINES: tuple[frozenset[Channel], ...] = (frozenset(("counter", "green")),)
"""Channels whose tickets stand in one line, since the same counters serve them."""


def line_name(channel: Channel) -> str:
    """Return the name of the channel's line: its channels, joined by +."""
    return "+".join(line_of(channel))


def line_of(channel: Channel) -> tuple[Channel, ...]:
    """Return the channels that share a line with this one, itself among them."""
    for line in LINES:
        if channel in line:
            return tuple(sorted(line))
    return (channel,)


WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOK_AHEAD_DAYS = 14
"""How far ahead the next opening is looked for."""


def is_open(policy: Policy, local: datetime) -> bool:
    """Whether the branch is open at a time of its own time zone."""
    return any(opens <= local < closes for opens, closes in spans(policy, local))


def opens_next(policy: Policy, local: datetime) -> datetime | None:
    """Return when it opens next after a time at which it is closed; None where no opening is near."""
    for days in range(LOOK_AHEAD_DAYS + 1):
        for opens, _ in spans(policy, local + timedelta(days=days)):
            if opens > local:
                return opens
    return None


def spans(policy: Policy, local: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Return from when to when the branch is open on the day of ``local``."""
    day = local.date()
    hours = policy.special_days.get(day.isoformat(), policy.opening_hours.get(WEEKDAYS[day.weekday()], ()))
    midnight = datetime.combine(day, time(), local.tzinfo)
    for span in hours:
        opens, closes = (midnight + _since_midnight(text) for text in span.split("-"))
        yield opens, closes


def _since_midnight(text: str) -> timedelta:
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))
