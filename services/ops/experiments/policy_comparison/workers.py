"""Seeds on every processor: they have nothing to do with each other."""

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from services.ops.experiments.policy_comparison.figures import Pair
from services.ops.experiments.policy_comparison.job import Job, play

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
