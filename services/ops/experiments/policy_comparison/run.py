"""``lobby simulate --compare``, from the files to the comparison."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, tzinfo
from multiprocessing import get_context
from pathlib import Path
from random import Random

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from services.ops.errors import UsageError
from services.ops.experiments.policy_comparison.comparison import Comparison, compared
from services.ops.experiments.policy_comparison.customers import Arrival, Shown, drawn, shown, speeds
from services.ops.experiments.policy_comparison.engine import Crew, run
from services.ops.experiments.policy_comparison.figures import Pair, figures, groups_of
from services.ops.experiments.policy_comparison.report import show
from services.ops.experiments.policy_comparison.staffing import Staffing, read_staffing, staffing_for
from services.ops.simulator.customers import day_of, good_rows
from services.ops.simulator.trace import Row, between
from services.triage.policy_file import Document, InvalidPolicy, load_policy_set, policy_of


@dataclass(frozen=True, kw_only=True)
class Job:
    """Plain values, so that another process can be handed them. ``policies`` are documents."""

    policies: tuple[Document, Document]
    rows: tuple[Row, ...]
    known: Shown
    staffing: Staffing
    zone: tzinfo

    def arrivals(self, seed: int) -> list[Arrival]:
        """Return the seed's customers."""
        return drawn(self.rows, self.known, Random(f"customers/{seed}"))

    def crew(self, seed: int) -> Crew:
        """Return who serves them, and how fast."""
        return Crew(staffing=self.staffing, speeds=speeds(self.staffing.counters, Random(f"speeds/{seed}")))


def play(job: Job, seed: int) -> Pair:
    """Let the same customers come to the same counters under either policy."""
    arrivals, crew = job.arrivals(seed), job.crew(seed)
    policies = [policy_of(document) for document in job.policies]
    a, b = (run(policy, job.zone, arrivals, crew) for policy in policies)
    most = [policy.max_overtakes for policy in policies]
    return Pair(
        a=figures(a, groups_of(arrivals, a, b), most[0]),
        b=figures(b, groups_of(arrivals, b, a), most[1]),
        events=a.events + b.events,
    )


WORTH = 5000
"""A process more is worth its start for so many customers."""

_jobs: list[Job] = []
"""The job of this process, handed over once: it's larger than what it leads to."""


def pairs(job: Job, seeds: Sequence[int], *, processes: int | None = None) -> Iterator[Pair]:
    """Play the seeds, and return what each gives in their order."""
    worth = 1 + len(job.rows) * len(seeds) // WORTH
    workers = min(len(seeds), processes or min(worth, os.cpu_count() or 1))
    if workers == 1:
        yield from (play(job, seed) for seed in seeds)
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _receive, (job,))
    try:
        yield from pool.map(_play, seeds)
    finally:
        pool.shutdown(cancel_futures=True)


def _receive(job: Job) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits for this one
    _jobs.append(job)


def _play(seed: int) -> Pair:
    return play(_jobs[0], seed)


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


def answer(question: Question, picture: Path | None, *, as_json: bool) -> None:
    """Compare, and print tables or JSON; draw the picture where one is wanted."""
    _require_libraries()
    if picture is not None:
        from services.ops.experiments.policy_comparison.picture import draw, require_kind

        require_kind(picture)
    found = _compared(question, quiet=as_json or not sys.stderr.isatty())
    if picture is not None:
        draw(found, picture)
    if as_json:
        sys.stdout.write(json.dumps(found.document(), ensure_ascii=False) + "\n")
    else:
        show(found, Console())


def _require_libraries() -> None:
    try:
        import matplotlib as _matplotlib  # noqa: F401 - only whether it's there
        import scipy as _scipy  # noqa: F401 - as above
    except ImportError:
        raise UsageError("--compare needs scipy and matplotlib: pip install 'lobby[experiments]'") from None


def _compared(question: Question, *, quiet: bool) -> Comparison:
    text = TextColumn("{task.description}")
    columns = (text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task("抽样 seeds", total=question.seeds)
        return compare(question, lambda: progress.advance(task))
