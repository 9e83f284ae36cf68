"""``lobby simulate --compare``, from the files to the comparison."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, tzinfo
from pathlib import Path

from services.ops.errors import UsageError
from services.ops.experiments.policy_comparison.comparison import Comparison, compared
from services.ops.experiments.policy_comparison.customers import shown
from services.ops.experiments.policy_comparison.job import Job
from services.ops.experiments.policy_comparison.sizing import staffing_for
from services.ops.experiments.policy_comparison.staffing import Staffing
from services.ops.experiments.policy_comparison.staffing_file import read_staffing
from services.ops.experiments.policy_comparison.workers import pairs
from services.ops.simulator.customers import good_rows
from services.ops.simulator.generate import day_of
from services.ops.simulator.trace import Row, between
from services.triage.policy_file import Document, InvalidPolicy, load_policy_set

MADE_UP = "a made-up day"
MADE_UP_ON = date(2026, 1, 5)
"""A Monday: without a trace the same day is made up whenever it's asked for."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """The command line. None: it's chosen to fit."""

    policies: tuple[Path, Path]
    zone: tzinfo
    trace: Path | None = None
    first: date | None = None
    last: date | None = None
    branches: tuple[str, ...] = ()
    counters: int | None = None
    staffing: Path | None = None
    seeds: int = 20
    seed: int = 0
    skip_bad_rows: bool = False
    processes: int | None = None

    def __post_init__(self) -> None:
        """Refuse what doesn't go together."""
        if self.counters is not None and self.staffing is not None:
            raise UsageError("--counters and --staffing both say who is open; give one of them")
        if len(self.branches) > 1:
            raise UsageError("--compare looks at one --branch")
        if self.first and self.last and self.first > self.last:
            raise UsageError(f"--from {self.first} is after --to {self.last}")

    @property
    def branch(self) -> str | None:
        """The branch that is asked about, if one is."""
        return self.branches[0] if self.branches else None


def compare(question: Question, done: Callable[[], None]) -> Comparison:
    """Answer; ``done`` is called after each seed. Raises :class:`UsageError`."""
    began = time.perf_counter()
    job = _job(question)
    found = []
    for pair in pairs(job, range(question.seed, question.seed + question.seeds), processes=question.processes):
        found.append(pair)
        done()
    wall_s = time.perf_counter() - began
    return Comparison(
        compared=compared(found),
        policies=(str(question.policies[0]), str(question.policies[1])),
        trace=MADE_UP if question.trace is None else str(question.trace),
        dates=tuple(sorted({row.arrived_at.date().isoformat() for row in job.rows})),
        customers=len(job.rows),
        seeds=question.seeds,
        counters=job.staffing.counters,
        businesses=_names(job.policies),
        events_per_s=sum(pair.events for pair in found) / wall_s,
    )


def _job(question: Question) -> Job:
    every = _rows(question)
    rows = tuple(between(every, question.first, question.last))
    if not rows:
        raise UsageError("nobody comes: no row of the trace lies between these dates")
    zone = rows[0].arrived_at.tzinfo
    assert zone is not None, "a row's time is aware"
    a, b = question.policies
    return Job(
        policies=(_policy(a, question.branch), _policy(b, question.branch)),
        rows=rows,
        known=shown(every),
        staffing=_staffing(question, rows),
        zone=zone,
    )


def _rows(question: Question) -> list[Row]:
    """Return every row of the branch; one that names none is of any."""
    if question.trace is None:
        return day_of(question.first or MADE_UP_ON, question.zone, seed=question.seed)
    rows = good_rows(question.trace, question.zone, skip_bad_rows=question.skip_bad_rows)
    named = sorted({row.branch for row in rows if row.branch})
    if question.branch is None and len(named) > 1:
        raise UsageError(f"the trace has several branches: choose one with --branch {'|'.join(named)}")
    return [row for row in rows if not question.branch or row.branch in (None, question.branch)]


def _policy(file: Path, branch: str | None) -> Document:
    try:
        return load_policy_set(file).of(branch or "").document
    except InvalidPolicy as error:
        raise UsageError(f"--compare {file}: {error.detail}") from None


def _names(policies: tuple[Document, Document]) -> dict[str, tuple[str, str]]:
    """Return what the policies call their businesses."""
    return {
        code: (business["name"]["zh"], business["name"]["en"])
        for document in policies
        for code, business in document["businesses"].items()
    }


def _staffing(question: Question, rows: tuple[Row, ...]) -> Staffing:
    if question.counters is not None:
        return Staffing.always(question.counters)
    if question.staffing is None:
        return staffing_for(rows)
    try:
        return read_staffing(question.staffing)
    except InvalidPolicy as error:
        raise UsageError(f"--staffing {question.staffing}: {error.detail}") from None
