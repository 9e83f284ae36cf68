"""Triage's busiest calls beside a stock nameko entrypoint that only echoes: rates and the slowest hundredth."""

import json
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import load
from bench.child import answers, running, serving
from bench.load import Request, Script, Tally
from shared.settings import SERVICES, Settings
from shared.storage.migrate import upgrade
from shared.web.tokens import issue_token
from tests.support.processes import free_port, wait_until

AIM_RATE, AIM_P99 = 0.5, 5.0
CONNECTIONS = 32
BRANCHES = 16
FEW = 4
QUIET, CROWD, SHORT_CROWD = 20, 2000, 320
FILLERS = 20
"""Connections that fill the crowded branch; a divisor of both snapshots."""
TITLES = {
    "echo": "stock nameko, echoes the body",
    "ticket": "POST tickets",
    "call": "call-next, left, tickets, printed in turn",
    "quiet": "the same, a branch where {waiting:,.0f} wait",
    "crowded": "the same, a branch where {waiting:,.0f} wait",
}
TICKET = json.dumps({"business": "transfer", "customer": {"age": 40, "party_size": 1}}).encode()


Figures = dict[str, float]
"""One contender in one round: ``rate`` in requests/s, ``p50_ms`` and ``p99_ms``, and how many are ``waiting``."""


def tickets(branch: str) -> Script:
    """Take tickets of a branch without end."""
    while True:
        yield Request(kind="ticket", path=f"/v1/branches/{branch}/tickets", body=TICKET)


def calling(branch: str, counter: str) -> Script:
    """Call the next one, let them go and somebody else come, without end: as many wait as before."""
    while True:
        answer = yield Request(kind="call", path=f"/v1/branches/{branch}/counters/{counter}/call-next")
        if answer.status == 200:
            yield Request(kind="other", path=f"/v1/tickets/{json.loads(answer.body)['ticket_id']}/left")
            yield from filling(branch, 1)


def opening(branch: str, counter: str) -> Script:
    """Open a counter."""
    channels = json.dumps({"channels": ["counter", "green"]}).encode()
    yield Request(kind="other", path=f"/v1/branches/{branch}/counters/{counter}/open", body=channels)


def filling(branch: str, count: int) -> Script:
    """Take so many tickets and let them wait."""
    for _ in range(count):
        answer = yield Request(kind="other", path=f"/v1/branches/{branch}/tickets", body=TICKET)
        ticket = json.loads(answer.body)["ticket_id"]
        yield Request(kind="other", path=f"/v1/branches/{branch}/tickets/{ticket}/printed")


@contextmanager
def echo() -> Iterator[tuple[str, int]]:
    """Run the baseline."""
    port = free_port()
    with running("bench.echo", f"127.0.0.1:{port}"):
        wait_until(lambda: answers(port), within_s=60, what="bench.echo to listen")
        yield ("127.0.0.1", port)


def compare(amqp_url: str, database_url: str, *, short: bool) -> dict[str, list[Figures]]:
    """Measure each contender in turn, round by round, and return its figures."""
    rounds, seconds, crowd = (1, 3.0, SHORT_CROWD) if short else (5, 6.0, CROWD)
    with TemporaryDirectory(prefix="lobby-bench-") as name:
        folder = Path(name)
        settings = Settings(data_dir=folder, database_url=database_url, amqp_url=amqp_url)
        for service in SERVICES:
            upgrade(settings, service)
        token = issue_token(settings, roles=["supervisor", "terminal", "teller"], branches=["*"])
        measured: dict[str, list[Figures]] = {name: [] for name in ("echo", "ticket", "call", "quiet", "crowded")}
        with echo() as baseline, serving("triage", settings) as process:
            ours = process.address
            carry_out(ours, token, [partial(filling, "crowded", crowd // FILLERS)] * FILLERS)
            carry_out(ours, token, [partial(filling, "quiet", QUIET)])
            carry_out(ours, token, [partial(filling, f"call-{n % BRANCHES}", 10) for n in range(CONNECTIONS)])
            for number in range(rounds):
                carry_out(
                    ours, token, [partial(filling, f"new-{number}-{n}", 1) for n in range(BRANCHES)]
                )  # has its policy
                carry_out(ours, token, [partial(opening, branch, counter) for branch, counter in _counters(number)])
                fresh = [partial(tickets, f"new-{number}-{n % BRANCHES}") for n in range(CONNECTIONS)]
                callers, few, many = (
                    [partial(calling, *pair) for pair in _counters(number) if pair[0].startswith(name)]
                    for name in ("call-", "quiet", "crowded")
                )
                for kind, address, scripts, waiting in (
                    ("echo", baseline, fresh, 0), ("ticket", ours, fresh, 0), ("call", ours, callers, 0),
                    ("quiet", ours, few, QUIET), ("crowded", ours, many, crowd),
                ):  # fmt: skip
                    tally = load.run(address, token, scripts, seconds=seconds)
                    timed = "ticket" if kind in ("echo", "ticket") else "call"
                    measured[kind].append({**_figures(tally, timed), "waiting": waiting})
                    print(f"calls round {number + 1} of {rounds}: {kind} {measured[kind][-1]}", file=sys.stderr)
        return measured


def _counters(number: int) -> list[tuple[str, str]]:
    """Return the counters of a round: those of the one before have customers whom nobody served."""
    pairs = [(f"call-{n % BRANCHES}", f"{number}-{n // BRANCHES}") for n in range(CONNECTIONS)]
    return pairs + [(branch, f"{number}-{n}") for branch in ("quiet", "crowded") for n in range(FEW)]


def carry_out(address: load.Address, token: str, scripts: Sequence[Callable[[], Script]]) -> None:
    """Run the scripts to their end."""
    tally = load.run(address, token, scripts, seconds=600)
    if tally.wrong:
        raise RuntimeError(f"{len(tally.wrong)} wrong answers, first {tally.wrong[0]}")


def report(measured: dict[str, list[Figures]]) -> str:
    """Return the medians and the ratios, for people."""
    medians = {
        name: {key: statistics.median(figures[key] for figures in rounds) for key in rounds[0]}
        for name, rounds in measured.items()
    }
    echo = medians["echo"]
    lines = [
        f"Calls of triage, {CONNECTIONS} connections, {BRANCHES} branches; medians of {len(measured['echo'])} rounds\n",
        f"  {'':44}{'requests/s':>11}{'/ echo':>8}{'p50 ms':>9}{'p99 ms':>9}{'/ echo':>8}",
    ]
    for name, title in TITLES.items():
        own = medians[name]
        lines.append(
            f"  {title.format(**own):44}{own['rate']:>11,.0f}{own['rate'] / echo['rate']:>8.2f}{own['p50_ms']:>9.1f}"
            f"{own['p99_ms']:>9.1f}{own['p99_ms'] / echo['p99_ms']:>8.1f}"
        )
    lines.append(f"\n  aim: rate at least {AIM_RATE:g} × the echo's, p99 under {AIM_P99:g} × its")
    ratio = medians["crowded"]["p50_ms"] / medians["quiet"]["p50_ms"]
    lines.append(f"  a call in the crowded branch takes {ratio:.2f} × as long as in the quiet one (aim: 1)\n")
    return "\n".join(lines)


def _figures(tally: Tally, kind: str) -> Figures:
    if tally.wrong:
        raise RuntimeError(f"{len(tally.wrong)} wrong answers, first {tally.wrong[0]}")
    return {
        "rate": tally.rate, "p50_ms": tally.percentile_ms(kind, 0.5), "p99_ms": tally.percentile_ms(kind, 0.99)
    }  # fmt: skip
