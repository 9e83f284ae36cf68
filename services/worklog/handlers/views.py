"""What somebody looks at: a day's log, the journal, any change to it (W7, W10)."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import date
from types import MappingProxyType
from typing import Any, get_args

from services.worklog.handlers.unit_of_work import Journal, LobbyReader
from services.worklog.model.chain import Chain, verify
from services.worklog.model.day import Check, Day, Note
from services.worklog.model.figures import Cases, Diversions, Doubt, Figures, Tally
from shared.contracts.events.incidents import IncidentKind
from shared.contracts.events.triage import Channel
from shared.contracts.http.worklog import (
    ChannelFigures,
    CheckView,
    DiversionFigures,
    IncidentFigures,
    InexactView,
    JournalPage,
    JournalQuery,
    NoteView,
    VerifyView,
    WorklogView,
)


def get_day(lobby: LobbyReader, *, business_date: date) -> WorklogView:
    """Return the log of a day, whatever day it is (W7)."""
    return worklog_view(
        lobby.day(business_date),
        lobby.figures_of(business_date),
        chain=lobby.chain_of(business_date),
        managers_on_duty=lobby.managers_on_duty(business_date),
    )


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


def worklog_view(day: Day, figures: Figures, *, chain: Chain, managers_on_duty: int) -> WorklogView:
    """Return the day's log: what the events say, and what people wrote."""
    return WorklogView(
        branch=day.branch,
        business_date=day.business_date,
        state=day.state,
        **_tally(figures.total),
        in_progress=figures.in_progress,
        no_shows=figures.no_shows,
        promises=figures.promises,
        promises_kept=figures.promises_kept,
        diverted=figures.diverted,
        diversions=_diversions(figures.diversions),
        channels=_channels(figures.channels),
        vip_arrivals=figures.vip_arrivals,
        vip_handoffs=figures.vip_handoffs,
        incidents=_incidents(figures.incidents),
        checks=tuple(check_view(check) for check in day.checks),
        notes=tuple(note_view(note) for note in day.notes),
        inexact=bool(figures.inexact),
        inexact_because=_inexact(figures),
        managers_on_duty=managers_on_duty,
        counters_opened=len(figures.counters),
        signed_by=day.signature.by if day.signature else None,
        signed_at=day.signature.at if day.signature else None,
        events=chain.count,
        journal_hash=chain.hash if chain.count else None,
    )


def check_view(check: Check) -> CheckView:
    """Return a check in the words of the contract."""
    return CheckView.model_validate(check, from_attributes=True)


def note_view(note: Note) -> NoteView:
    """Return a note in the words of the contract."""
    return NoteView.model_validate(note, from_attributes=True)


def _diversions(diversions: Mapping[str, Diversions]) -> tuple[DiversionFigures, ...]:
    return tuple(DiversionFigures(business=business, **asdict(of)) for business, of in sorted(diversions.items()))


def _channels(channels: Mapping[str, Tally]) -> tuple[ChannelFigures, ...]:
    return tuple(
        ChannelFigures(channel=channel, **_tally(channels[channel]))
        for channel in get_args(Channel)
        if channel in channels
    )


_WHY: Mapping[Doubt, tuple[str, str]] = MappingProxyType(
    {
        "offline": (
            "{n} 次来访由断网的取号机出号，事后才上报",
            "{n} visits began at an offline terminal, told later",
        ),
        "late": ("{n} 次来访的记录在营业日之后才到", "{n} visits were heard of only after the business day"),
        "day_end": ("{n} 次来访无人办结，由日终清理", "{n} visits were closed by the day's end: nobody had"),
    }
)
_TOUCHED: Mapping[Doubt, tuple[str, ...]] = MappingProxyType(
    {
        "offline": ("visits", "left", "mean_wait_s", "max_wait_s"),
        "late": ("visits", "served", "left", "mean_wait_s", "max_wait_s"),
        "day_end": ("served", "left"),
    }
)


def _inexact(figures: Figures) -> tuple[InexactView, ...]:
    return tuple(
        InexactView(why=why, visits=n, figures=_TOUCHED[why], zh=_WHY[why][0].format(n=n), en=_WHY[why][1].format(n=n))
        for why, n in sorted(figures.inexact.items())
    )


def _incidents(incidents: Mapping[str, Cases]) -> tuple[IncidentFigures, ...]:
    return tuple(
        IncidentFigures(kind=kind, opened=incidents[kind].opened, closed=incidents[kind].closed)
        for kind in get_args(IncidentKind)
        if kind in incidents
    )


def _tally(tally: Tally) -> dict[str, Any]:
    return {name: getattr(tally, name) for name in ("visits", "served", "left", "mean_wait_s", "max_wait_s")}
