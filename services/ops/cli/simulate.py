"""``lobby simulate``: terminals, tellers and managers, for one or many branches."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.ops.cli.api import Json, Origin, Token
from services.ops.config import ConfigFile, settings_of
from services.ops.errors import UsageError
from shared.settings import Settings

if TYPE_CHECKING:
    from services.ops.simulator.plan import Options
    from services.ops.simulator.progress import Display

Trace = Annotated[
    Path | None, typer.Option("--trace", metavar="FILE.csv", help="Who comes; without it, a made-up day.")
]
Speed = Annotated[
    float | None,
    typer.Option("--speed", min=0.001, max=100_000, help="Business seconds a wall second: 1, made-up days 60."),
]
Branches = Annotated[list[str] | None, typer.Option("--branch", help="Where; may be repeated. A trace's column wins.")]
Day = Annotated[
    str | None, typer.Option("--date", metavar="YYYY-MM-DD|all", help="Only the trace's rows of this local date.")
]
First = Annotated[str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="Only rows from this date on.")]
Last = Annotated[str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="Only rows up to this date.")]
Counters = Annotated[
    int | None, typer.Option("--counters", min=1, max=500, help="A branch's; by default they keep up.")
]
Managers = Annotated[int | None, typer.Option("--managers", min=1, max=500, help="The same, for VIPs.")]
Seed = Annotated[int, typer.Option("--seed", help="Another one makes up other customers.")]
Skip = Annotated[bool, typer.Option("--skip-bad-rows", help="Report a bad row and go on without it.")]
Endless = Annotated[bool, typer.Option("--endless", help="Customers who are made up, until Ctrl-C.")]
Patience = Annotated[
    float, typer.Option("--patience-wall", min=1, help="Give up after so many seconds without an answer.")
]
Compare = Annotated[
    tuple[Path, Path] | None,
    typer.Option(
        "--compare", metavar="A.yaml B.yaml", help="Compare two policies by discrete events; needs no services."
    ),
]
Staffing = Annotated[
    Path | None,
    typer.Option("--staffing", metavar="FILE.yaml", help="With --compare: who is open when, instead of --counters."),
]
Seeds = Annotated[
    int, typer.Option("--seeds", min=2, max=10_000, help="With --compare: so many draws of what is chance.")
]
Picture = Annotated[
    Path | None, typer.Option("--picture", metavar="FILE.svg|FILE.png", help="With --compare: draw it, too.")
]
Parent = Annotated[int | None, typer.Option("--parent", hidden=True, help="End when this process is no more.")]


def simulate(
    trace: Trace = None,
    speed: Speed = None,
    branch: Branches = None,
    date: Day = None,
    first: First = None,
    last: Last = None,
    counters: Counters = None,
    managers: Managers = None,
    seed: Seed = 0,
    skip_bad_rows: Skip = False,
    endless: Endless = False,
    patience_wall: Patience = 120.0,
    as_json: Json = False,
    origin: Origin = None,
    token: Token = None,
    compare: Compare = None,
    staffing: Staffing = None,
    seeds: Seeds = 20,
    picture: Picture = None,
    parent: Parent = None,
    config: ConfigFile = None,
) -> None:
    """Play a branch's day over HTTP: customers come, are called, served or leave; then check the figures.

    Every row becomes one visit with one end. Calls are repeated until they're answered, with the same
    Idempotency-Key, so services may be killed meanwhile. At the end the services and the work log must
    say what was asked for: exit code 0, else 1. Two runs that agree print the same `totals`.
    With a scaled clock (LOBBY_CLOCK) arrivals follow the servers' time, and `--speed` is its rate.

    With `--compare` nothing has to run: the same customers come under both policies, through the policy code that
    would decide for real, and the tables (or `--json`) say what differs, with 95 % intervals over `--seeds`.

    Examples:

    `lobby simulate` — a made-up day at `/b/demo`, in eight minutes

    `lobby simulate --trace day.csv --speed 2000 --json`

    `lobby simulate --trace month.csv --date 2026-02-02 --speed 500 --branch north --branch south`

    `lobby simulate --compare now.yaml new.yaml --trace month.csv --date 2026-02-02 --picture new.svg`
    """
    from services.ops.simulator.plan import Options, date_of

    settings = settings_of(config)
    date = None if date == "all" else date
    if compare is not None:
        if speed is not None or managers is not None or endless:
            raise UsageError("--speed, --managers and --endless play a branch over HTTP; --compare needs none of it")
        from services.ops.experiments.policy_comparison.run import Question, answer

        question = Question(
            policies=compare,
            zone=settings.default_timezone,
            trace=trace,
            first=date_of("--date", date) or date_of("--from", first),
            last=date_of("--date", date) or date_of("--to", last),
            branches=tuple(branch or ()),
            counters=counters,
            staffing=staffing,
            seeds=seeds,
            seed=seed,
            skip_bad_rows=skip_bad_rows,
        )
        answer(question, picture, as_json=as_json)
        return
    if staffing is not None or picture is not None:
        raise UsageError("--staffing and --picture belong to --compare")
    options = Options(
        origin=origin or settings.origin,
        trace=trace,
        branches=tuple(dict.fromkeys(branch or ("demo",))),
        first=date_of("--date", date) or date_of("--from", first),
        last=date_of("--date", date) or date_of("--to", last),
        speed=speed,
        counters=counters,
        managers=managers,
        seed=seed,
        skip_bad_rows=skip_bad_rows,
        endless=endless,
        token=token or os.environ.get("LOBBY_TOKEN"),
        patience_wall_s=patience_wall,
        parent=parent,
    )
    raise typer.Exit(asyncio.run(_run(settings, options, as_json)))


async def _run(settings: Settings, options: "Options", as_json: bool) -> int:
    from rich.console import Console

    from services.ops.simulator.expected_figures import show
    from services.ops.simulator.progress import Bar, Lines, Silence
    from services.ops.simulator.run import interruptible
    from services.ops.simulator.run import simulate as play

    if options.parent is not None:
        display: Display = Silence()
    else:
        display = Bar() if sys.stderr.isatty() and not as_json else Lines()
    summary = await interruptible(lambda stop: play(settings, options, display, stop), options.parent)
    if summary is None:
        return 0
    if as_json:
        typer.echo(json.dumps(summary.document(), ensure_ascii=False))
    else:
        show(summary, Console())
    return 0 if summary.worklog_matches else 1


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command("simulate")(simulate)
