"""The journal's hash chains (W10): one a branch and day, each link over the one before and the event's bytes. Pure.

``hash = sha256(previous hash as hex text + the event's bytes)``. The first link's previous hash is
that of the chain's name, so a chain can't pass for another branch's or day's.

The bytes are those that are stored and shown, not RFC 8785's canonical form of them: that would let
a change of the stored text pass, costs fifty microseconds an event where this costs one, and has no
form for integers beyond 2**53, which a terminal may well send.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from itertools import islice

FINDINGS_LIMIT = 20
"""How many findings of one chain are worth telling; whoever looks needs the first ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """A chain's head: how many links it has, the hash of the last, and when its events happened.

    A day's chain has what was *recorded* on that day. ``earliest`` and ``latest`` are when it *happened*, so that
    who looks for a time finds the days to look at.
    """

    branch: str
    day: date
    count: int = 0
    hash: str = ""
    earliest: datetime | None = None
    latest: datetime | None = None

    def __post_init__(self) -> None:
        """Begin with the hash of the chain's name."""
        if not self.hash:
            object.__setattr__(self, "hash", sha256(f"lobby:{self.branch}:{self.day.isoformat()}".encode()).hexdigest())

    def append(self, body: bytes, at: datetime) -> "Chain":
        """Return the head after one more event, which happened at that time."""
        return self.at_link(self.count + 1, link_hash(self.hash, body), at)

    def at_link(self, n: int, hash_: str, at: datetime) -> "Chain":
        """Return the head that ends with this link, whose event happened at that time."""
        earliest, latest = min(self.earliest or at, at), max(self.latest or at, at)
        return replace(self, count=n, hash=hash_, earliest=earliest, latest=latest)


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """One stored event of a chain. ``time`` and ``columns`` are what is stored beside the body to search by."""

    n: int
    prev_hash: str
    hash: str
    body: bytes
    time: datetime
    columns: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Where a chain does not hold, and why."""

    branch: str
    day: date
    n: int
    why: str

    def __str__(self) -> str:
        return f"{self.branch} {self.day.isoformat()} {self.n}: {self.why}"


def link_hash(previous: str, body: bytes) -> str:
    """Return the hash of the link that follows ``previous``."""
    return sha256(previous.encode() + body).hexdigest()


def verify(head: Chain, links: Iterable[Link], *, signed: str | None = None) -> list[Finding]:
    """Return where the links, in order, don't lead to the head: changed, removed, inserted, swapped, cut off.

    ``signed`` is the hash that the day's log was signed with; the chain must still pass through it.
    """
    found = islice(_findings(head, links, signed), FINDINGS_LIMIT)
    return [Finding(branch=head.branch, day=head.day, n=n, why=why) for n, why in found]


def _findings(head: Chain, links: Iterable[Link], signed: str | None) -> Iterator[tuple[int, str]]:
    previous = Chain(branch=head.branch, day=head.day)
    passed = signed is None or signed == previous.hash
    for link in links:
        if link.n != previous.count + 1:
            yield link.n, f"{previous.count + 1} was expected: events were removed or inserted"
        if link.prev_hash != previous.hash:
            yield link.n, "it does not follow the event before it"
        if link_hash(link.prev_hash, link.body) != link.hash:
            yield link.n, "the event was changed"
        elif wrong := _wrong_columns(head.branch, link):
            yield link.n, f"the event says otherwise about {', '.join(wrong)}"
        # Go on from what is stored: one change is one finding, not one for each event after it.
        previous = previous.at_link(link.n, link.hash, link.time)
        passed = passed or link.hash == signed
    if previous.count != head.count:
        yield previous.count, f"the chain has {previous.count} events and should have {head.count}"
    elif previous.hash != head.hash:
        yield previous.count, "the last event is not the one that the chain ended with"
    elif (previous.earliest, previous.latest) != (head.earliest, head.latest):
        yield previous.count, "the events happened at other times than the chain says: a search would pass them over"
    if not passed:
        yield previous.count, "the event that the day's log was signed after is gone"


def _wrong_columns(branch: str, link: Link) -> list[str]:
    document = json.loads(link.body)
    columns = {**link.columns, "branchid": branch}
    wrong = [name for name, value in columns.items() if not _same(name, str(document.get(name)), value)]
    return wrong if _is_time(document.get("time"), link.time) else [*wrong, "time"]


def _is_time(said: object, stored: datetime) -> bool:
    try:
        return datetime.fromisoformat(str(said)) == stored
    except ValueError:
        return False


def _same(name: str, said: str, stored: str) -> bool:
    if name == "type":  # an old version is stored as it came, under the newest version's name
        return said.rpartition(".v")[0] == stored.rpartition(".v")[0]
    return said == stored
