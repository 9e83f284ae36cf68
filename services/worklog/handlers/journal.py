"""The use cases of the journal: search it, and find any change to it (W10)."""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from services.worklog.model.chain import Chain, Link, verify
from shared.contracts.http.worklog import JournalEntry, JournalPage, JournalQuery, VerifyView


class Journal(Protocol):
    """The journal, for looking. ``store`` gives it; all calls see the same state."""

    def search(self, query: JournalQuery, *, limit: int) -> Sequence[JournalEntry]:
        """Return what fits the query behind its position, in order."""
        ...

    def heads(self, branches: Collection[str] | None) -> Iterable[Chain]:
        """Return the head of each chain of these branches, or of all."""
        ...

    def links(self, chain: Chain) -> Iterable[Link]:
        """Return a chain's links in order, read as they are asked for."""
        ...

    def signed_hash(self, chain: Chain) -> str | None:
        """Return the hash that the day's log was signed with; None where it isn't signed."""
        ...


def search(journal: Journal, query: JournalQuery) -> JournalPage:
    """Return a page of a branch's events in order, and where the next one begins."""
    entries = journal.search(query, limit=query.limit + 1)
    page = tuple(entries[: query.limit])
    return JournalPage(entries=page, next_after=page[-1].position if len(entries) > query.limit else None)


def verify_chains(journal: Journal, branches: Collection[str] | None) -> VerifyView:
    """Recompute every chain of these branches, or of all, and say where one does not hold."""
    chains = events = 0
    broken: list[str] = []
    for head in journal.heads(branches):
        chains += 1
        events += head.count
        found = verify(head, journal.links(head), signed=journal.signed_hash(head))
        broken.extend(str(finding) for finding in found)
    return VerifyView(ok=not broken, chains=chains, events=events, broken=tuple(broken))
