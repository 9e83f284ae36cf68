"""Two processes of triage beside one: on one crowded branch, and on many; in turns, and pinned by branch."""

import statistics
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import load
from bench.calls import calling, carry_out, filling, opening, tickets
from bench.child import serving
from bench.load import Request, Script
from shared.ids import partition_of
from shared.settings import SERVICES, Settings
from shared.storage.migrate import upgrade
from shared.web.tokens import issue_token

CROWD = 300
CALLERS = 16
CONNECTIONS, BRANCHES = 32, 64
"""Of the many branches: as many as there are partitions, so that each process has about half of them."""
AIM_RATE = 350
AIMS = {"in turns": 0.75, "pinned": 0.85}
LAYOUTS = ("one process", "in turns", "pinned")
WORK = ("crowd", "many")
TITLES = {
    "crowd": "call-next, left, tickets, printed on one branch, {waiting} waiting",
    "many": "POST tickets, {branches} branches",
}

Figures = dict[str, list[float]]
"""Commands a second of each round by ``<work> <layout>``."""


def pinned(request: Request, _number: int) -> int:
    """Send what names a branch to the process that has it; a ticket's id tells none: in a crowd it is one branch."""
    _, _, rest = request.path.partition("/branches/")
    return partition_of(rest.partition("/")[0]) if rest else partition_of("crowd")


def compare(amqp_url: str, database_url: str, *, short: bool) -> Figures:
    """Measure each layout in turn, round by round."""
    rounds, seconds = (1, 1.5) if short else (5, 6.0)
    measured: Figures = {f"{work} {layout}": [] for work in WORK for layout in LAYOUTS}
    with TemporaryDirectory(prefix="lobby-bench-") as name:
        settings = Settings(data_dir=Path(name), database_url=database_url, amqp_url=amqp_url)
        for service in SERVICES:
            upgrade(settings, service)
        token = issue_token(settings, roles=["supervisor", "terminal", "teller"], branches=["*"])
        with serving("triage", settings) as first:
            carry_out(first.address, token, [partial(filling, "crowd", CROWD // 10)] * 10)
            carry_out(first.address, token, [partial(filling, f"many-{n}", 1) for n in range(BRANCHES)])
            for number in range(rounds):
                _measure(measured, "one process", number, token, seconds, [first.address])
                with serving("triage", settings) as second:
                    for layout in ("in turns", "pinned"):
                        _measure(measured, layout, number, token, seconds, [first.address, second.address])
    return measured


def _measure(
    measured: Figures, layout: str, number: int, token: str, seconds: float, addresses: Sequence[load.Address]
) -> None:
    """Do each kind of work with these processes, and note the rates."""
    one, *others = addresses
    counters = [f"{number}-{LAYOUTS.index(layout)}-{n}" for n in range(CALLERS)]
    carry_out(one, token, [partial(opening, "crowd", counter) for counter in counters])
    work: dict[str, Sequence[Callable[[], Script]]] = {
        "crowd": [partial(calling, "crowd", counter) for counter in counters],
        "many": [partial(_tickets_of_several, n) for n in range(CONNECTIONS)],
    }
    for what, scripts in work.items():
        route = pinned if layout == "pinned" else load.in_turns
        tally = load.run(one, token, scripts, seconds=seconds, others=others, route=route)
        if tally.wrong:
            raise RuntimeError(f"{len(tally.wrong)} wrong answers, first {tally.wrong[0]}")
        measured[f"{what} {layout}"].append(tally.rate)
        print(f"turns, round {number + 1}: {what}, {layout}: {tally.rate:.0f}/s", file=sys.stderr)


def report(measured: Figures) -> str:
    """Return the medians, and of each two processes beside one."""
    lines = [
        f"Two processes of triage beside one; medians of {len(measured['many in turns'])} rounds in turn\n",
        f"  {'':76}{'commands/s':>11}{'/ one':>8}",
    ]
    for what in WORK:
        one = statistics.median(measured[f"{what} one process"])
        title = TITLES[what].format(waiting=CROWD, branches=BRANCHES)
        for layout in LAYOUTS:
            rate = statistics.median(measured[f"{what} {layout}"])
            lines.append(f"  {f'{title}: {layout}':76}{rate:>11,.0f}{rate / one:>8.2f}")
    lines.append(f"\n  aim: {AIM_RATE}/s in turns on the crowded branch; with many branches")
    lines.append(f"  {AIMS['in turns']:g} × one process in turns and {AIMS['pinned']:g} × pinned, on two cores\n")
    return "\n".join(lines)


def _tickets_of_several(connection: int) -> Script:
    """Take tickets of the connection's two branches in turn."""
    scripts = [tickets(f"many-{n}") for n in range(connection, BRANCHES, CONNECTIONS)]
    while True:
        for script in scripts:
            yield next(script)
