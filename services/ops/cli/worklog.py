"""``lobby worklog``: the lobby manager's log of a day (W7)."""

import sys
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from services.ops.cli.api import Origin, Token
from services.ops.config import ConfigFile, settings_of

app = typer.Typer(name="worklog", help="The lobby manager's log of a day (W7).", no_args_is_help=True)


class Format(StrEnum):
    """What a log can be exported as."""

    json = "json"
    html = "html"


class Language(StrEnum):
    """The languages of an exported log."""

    zh = "zh-CN"
    en = "en"


MEDIA_TYPES = {Format.json: "application/json", Format.html: "text/html"}

Branch = Annotated[str, typer.Option("--branch", help="Whose log.")]
Day = Annotated[str, typer.Option("--date", metavar="YYYY-MM-DD", help="The branch's local day.")]
As = Annotated[Format, typer.Option("--format", help="JSON for programs, HTML to print.")]
Lang = Annotated[Language, typer.Option("--lang", help="The language of the HTML.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="By default standard output.")]


@app.command("export")
def export(
    branch: Branch,
    day: Day,
    format: As = Format.json,
    lang: Lang = Language.zh,
    out: Out = None,
    origin: Origin = None,
    token: Token = None,
    config: ConfigFile = None,
) -> None:
    """Write a day's log as it is now.

    Examples:

    `lobby worklog export --branch demo --date 2026-11-24`

    `lobby worklog export --branch demo --date 2026-11-24 --format html --lang en --out log.html`
    """
    from services.ops.cli.api import call
    from services.ops.errors import UsageError
    from services.ops.local_tokens import token_for
    from shared.contracts.http.worklog import DAY

    try:
        date.fromisoformat(day)
    except ValueError:
        raise UsageError(f"--date {day!r} is not a date such as 2026-11-24") from None
    settings = settings_of(config)
    body = call(
        origin or settings.origin,
        token_for(settings, token, DAY, branch=branch),
        DAY,
        path={"b": branch, "date": day},
        query={"lang": lang.value},
        accept=MEDIA_TYPES[format],
    )
    if out is not None:
        out.write_bytes(body)
        return
    sys.stdout.buffer.write(body.rstrip(b"\n") + b"\n")
    sys.stdout.flush()
