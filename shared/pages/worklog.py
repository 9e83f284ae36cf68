"""The lobby manager's work log (大堂经理工作日志) as a document to read, print and sign (W7, W8)."""

from collections.abc import Mapping
from datetime import tzinfo
from functools import cache
from typing import get_args

from shared.contracts.events.triage import Channel
from shared.contracts.http.worklog import ChannelFigures, WorklogView
from shared.pages.assets import assets
from shared.pages.messages import DEFAULT, is_language
from shared.pages.templating import document_headers, render
from shared.settings import load_settings

SHORT_HASH = 16
"""So many characters of the journal's hash are printed: enough to compare by eye."""


def render_worklog(view: WorklogView, *, lang: str, zone: tzinfo | None = None) -> str:
    """Write a day's log as one HTML document that needs nothing else: it can be saved, printed (A4) and signed.

    ``zone`` is where the branch is, by default where the settings say; an unknown ``lang`` is Chinese.
    """
    return render(
        "worklog.html",
        lang=lang if is_language(lang) else DEFAULT,
        log=view,
        zone=zone or load_settings().default_timezone,
        channels=[figures for channel in get_args(Channel) for figures in view.channels if figures.channel == channel],
        total=_total(view),
        findings=[(check, result) for check in view.checks for result in check.results if not result.ok],
        doubtful={figure for why in view.inexact_because for figure in why.figures},
        hash=(view.journal_hash or "")[:SHORT_HASH],
        style=_style(),
    )


def worklog_headers() -> Mapping[str, str]:
    """Return the headers that the document is to be served with."""
    return document_headers(_style())


@cache
def _style() -> str:
    return assets()["worklog.css"].body.decode()


def _total(view: WorklogView) -> Mapping[str, float]:
    """Add the channels up, so that the table's last line is the sum of what stands above it."""

    def add(field: str) -> int:
        return sum(getattr(figures, field) for figures in view.channels)

    return {
        "visits": add("visits"),
        "served": add("served"),
        "left": add("left"),
        "max_wait_s": _longest(view.channels),
    }


def _longest(channels: tuple[ChannelFigures, ...]) -> float:
    return max((figures.max_wait_s for figures in channels), default=0.0)
