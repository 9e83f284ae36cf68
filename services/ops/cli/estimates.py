"""``lobby estimates``: how good the promised waits are (T9)."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.ops.cli.api import Json
from services.ops.config import ConfigFile, settings_of

app = typer.Typer(name="estimates", help="How good the promised waits are (T9).", no_args_is_help=True)

Trace = Annotated[Path, typer.Option("--trace", metavar="FILE.csv", help="What was observed: see docs/traces.md.")]
First = Annotated[
    str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="Judge those who came from this date on.")
]
Last = Annotated[str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="Judge those who came up to this date.")]
Branch = Annotated[str | None, typer.Option("--branch", help="Only this branch's rows.")]
Picture = Annotated[Path | None, typer.Option("--picture", metavar="FILE.svg", help="Draw quoted against waited.")]
Skip = Annotated[bool, typer.Option("--skip-bad-rows", help="Report a bad row and go on without it.")]


@app.command("evaluate")
def evaluate(
    trace: Trace,
    first: First = None,
    last: Last = None,
    branch: Branch = None,
    picture: Picture = None,
    skip_bad_rows: Skip = False,
    as_json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Play an observed history through the estimator that promises waits, and compare promised with waited.

    Needs no running system. All rows are played, from the first; at each arrival the estimator knows only
    what had happened by then. Judged are those who queued (`observed_wait_s` above 0) and were served.
    The trace needs the columns `observed_wait_s` and `observed_outcome`; `observed_server` helps.

    Examples:

    `lobby estimates evaluate --trace month.csv --from 1999-02-08`

    `lobby estimates evaluate --trace month.csv --from 1999-02-08 --json --picture waits.svg`
    """
    from services.ops.experiments.wait_estimates.run import judge
    from services.ops.simulator.plan import date_of

    settings = settings_of(config)
    figures = judge(
        trace,
        zone=settings.default_timezone,
        first=date_of("--from", first),
        last=date_of("--to", last),
        branch=branch,
        picture=picture,
        skip_bad_rows=skip_bad_rows,
        quiet=as_json or not sys.stderr.isatty(),
    )
    if as_json:
        typer.echo(json.dumps(figures, ensure_ascii=False))
        return
    from rich.console import Console

    from services.ops.experiments.wait_estimates.report import show

    show(figures, Console())
