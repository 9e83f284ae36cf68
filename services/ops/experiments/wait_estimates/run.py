"""``lobby estimates evaluate``, from the file to the figures."""

import sys
from datetime import date, tzinfo
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.ops.errors import UsageError
from services.ops.experiments.picture_file import require_picture
from services.ops.experiments.wait_estimates.evaluate import Judged, Play
from services.ops.experiments.wait_estimates.observed import customers_of
from services.ops.experiments.wait_estimates.picture import draw
from services.ops.experiments.wait_estimates.report import document, told
from services.ops.simulator.trace import Row, Trace, by_branch, read_trace
from services.triage.policy import Policy

ONLY = "demo"
"""The branch of rows that name none."""


def judge(
    trace: Path,
    *,
    zone: tzinfo,
    first: date | None,
    last: date | None,
    branch: str | None,
    picture: Path | None,
    skip_bad_rows: bool,
    quiet: bool,
) -> dict[str, Any]:
    """Play the trace, branch by branch, and return the figures.

    Raises :class:`UsageError` for a file that can't be read, isn't observed, or has nobody to judge, and for a
    picture of another kind than SVG.
    """
    if first and last and first > last:
        raise UsageError(f"--from {first} is after --to {last}")
    if picture is not None:
        require_picture(picture, ".svg")
    branches = by_branch(_good(read_trace(trace, zone), skip_bad_rows), (branch or ONLY,))
    if branch is not None:
        branches = {branch: branches.get(branch, [])}
    judged = _play(branches, quiet)
    figures = document(judged, first, last)
    if not figures["n"]:
        raise UsageError("--trace: nobody who queued and was served came within these dates")
    if picture is not None:
        _write(picture, draw(told(judged, first, last)))
    return figures


def _good(trace: Trace, skip_bad_rows: bool) -> list[Row]:
    for bad in trace.bad:
        sys.stderr.write(f"{bad}\n")
    if trace.bad and not skip_bad_rows:
        raise UsageError(f"--trace: {len(trace.bad)} bad rows (--skip-bad-rows goes on without them)")
    return list(trace.rows)


def _play(branches: dict[str, list[Row]], quiet: bool) -> list[Judged]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    judged: list[Judged] = []
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
        for branch, rows in branches.items():
            task = progress.add_task(branch, total=len(rows))
            play = Play(policy=Policy(), customers=customers_of(rows))
            judged += play.run(lambda done, task=task: progress.advance(task, done))  # type: ignore[misc]
    return judged


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--picture {file}: {error.strerror}") from None
