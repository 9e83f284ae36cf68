"""``lobby state``: what a service knows of a branch is the fold of its log; see it at any instant, and prove it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from services.ops.cli.api import Json
from services.ops.config import ConfigFile, settings_of
from services.ops.errors import CommandError, UsageError
from shared.contracts.base import YEARS, in_years

if TYPE_CHECKING:
    from shared.storage import Storage
    from shared.storage.verification import Difference

app = typer.Typer(
    name="state", help="What a service knows of a branch: see it at any instant, prove it.", no_args_is_help=True
)

Service = Annotated[str, typer.Option("--service", metavar="SERVICE", help="Whose state: triage, vip, ….")]
EachService = Annotated[
    list[str] | None, typer.Option("--service", metavar="SERVICE", help="Only this one; may repeat.")
]
OneBranch = Annotated[str, typer.Option("--branch", metavar="BRANCH", help="The branch.")]
EachBranch = Annotated[str | None, typer.Option("--branch", metavar="BRANCH", help="Only this one.")]

SHOWN_LIMIT = 20
KINDS = ("differing", "missing", "too many")


@app.command("show")
def show(
    service: Service,
    branch: OneBranch,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="At this instant, such as 2026-11-24T09:30:00+08:00.")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Print what a service knows of a branch as JSON: now, or at any instant of its log.

    It reads the database, so the services may run or not.

    Examples:

    `lobby state show --service triage --branch demo`

    `lobby state show --service triage --branch demo --at 2026-11-24T09:30:00+08:00`
    """
    instant = None if at is None else _instant(at)
    with _opened(service, config) as storage:
        _require_branch(storage, branch)
        state = storage.state(branch) if instant is None else storage.state_at(branch, instant)
        shown = json.loads(storage.states.aggregate.dump(state))
    typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))


@app.command("verify")
def verify(
    service: EachService = None, branch: EachBranch = None, as_json: Json = False, config: ConfigFile = None
) -> None:
    """Fold the logs from their first events on, and compare with what is kept; exit code 1 where they differ.

    Compared are the state that a service would begin with (its snapshot, and the events since), and the rows that
    events made. A branch whose log or journal can't be folded differs, too. Nothing is changed.

    Examples:

    `lobby state verify`

    `lobby state verify --service triage --branch demo --json`
    """
    from shared.storage import verification

    found: dict[str, list[Difference]] = {}
    count = 0
    unknown: list[UsageError] = []
    services = _services(service, config)
    for name in services:
        with _opened(name, config) as storage:
            try:
                branches = _branches(storage, branch)
            except UsageError as error:  # a branch need not have had a VIP, or an incident
                unknown.append(error)
                continue
            for one in _tracked(branches, f"{name}: folding"):
                count += 1
                if differing := verification.verify(storage, one):
                    found[f"{name} {one}"] = differing
    if len(unknown) == len(services):
        raise unknown[0]
    if as_json:
        differing_ = {where: [vars(difference) for difference in all_] for where, all_ in found.items()}
        typer.echo(json.dumps({"checked": count, "equal": not found, "differences": differing_}, default=str))
    else:
        typer.echo(f"{count} states folded anew: {'all equal' if not found else f'{len(found)} DIFFER'}")
        for where, all_ in found.items():
            _print(where, all_)
    if found:
        raise typer.Exit(1)


@app.command("rebuild")
def rebuild(
    service: Service,
    branch: EachBranch = None,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this, only say what would change.")] = False,
    config: ConfigFile = None,
) -> None:
    """Make snapshots and rows of a service anew from its log; by default only say what would change.

    That is: how many rows of each table differ, are missing or too many, each of them, and where the state differs.

    A running service keeps the states that it has in memory: stop it before, or restart it afterwards.

    Examples:

    `lobby state rebuild --service triage`

    `lobby state rebuild --service triage --branch demo --apply`
    """
    from shared.storage import verification

    changed, failed = 0, list[str]()
    with _opened(service, config) as storage:
        for one in _tracked(_branches(storage, branch), f"{service}: folding"):
            differing = verification.verify(storage, one)
            changed += bool(differing)
            if differing:
                _print(f"{service} {one}", differing)
            if apply:
                try:
                    verification.rebuild(storage, one)
                except verification.CannotBeFolded as error:
                    failed.append(f"{one}: {error.what} {error}")
    if failed:
        raise CommandError(f"{len(failed)} branches of {service} are as they were: {'; '.join(failed)}")
    done = "rebuilt" if apply else "would be rebuilt (--apply does it)"
    typer.echo(f"{changed} branches differ; every branch's snapshots and rows {done}")


def _print(where: str, differing: "list[Difference]") -> None:
    from collections import Counter

    typer.echo(f"{where}: {len(differing)} differences")
    counts = Counter((difference.table or "state", difference.kind) for difference in differing)
    for of in dict.fromkeys(of for of, _ in counts):
        typer.echo(f"  {of}: " + ", ".join(f"{counts[of, kind]} {kind}" for kind in KINDS if counts[of, kind]))
    for difference in differing[:SHOWN_LIMIT]:
        typer.echo(f"  {difference.where}: kept {difference.kept!r}, the log says {difference.folded!r}")
    if len(differing) > SHOWN_LIMIT:
        typer.echo(f"  … and {len(differing) - SHOWN_LIMIT} more")


def _services(named: list[str] | None, config: ConfigFile) -> list[str]:
    from shared.settings import SERVICES
    from shared.storage.aggregate import aggregate_of

    settings = settings_of(config)
    return named or [name for name in SERVICES if aggregate_of(name, settings) is not None]


def _branches(storage: "Storage", branch: str | None) -> list[str]:
    from shared.storage import verification

    if branch is None:
        return verification.branches(storage)
    _require_branch(storage, branch)
    return [branch]


def _require_branch(storage: "Storage", branch: str) -> None:
    from difflib import get_close_matches

    from shared.storage import verification

    known = verification.branches(storage)
    if branch not in known:
        close = get_close_matches(branch, known)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise UsageError(f"--branch: {storage.service} has no event of {branch!r}{hint}")


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--at: {text!r} is no time such as 2026-11-24T09:30:00+08:00") from None
    if instant.tzinfo is None:
        raise UsageError(f"--at: {text!r} lacks its offset; 2026-11-24T09:30:00+08:00 has one")
    if not in_years(instant):
        raise UsageError(f"--at: {YEARS}")
    return instant


def _tracked(branches: list[str], what: str) -> Iterator[str]:
    """Go through the branches with a progress bar, where somebody looks."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(branches, description=what, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def _opened(service: str, config: ConfigFile) -> "Iterator[Storage]":
    from sqlalchemy.exc import OperationalError, ProgrammingError

    from services.ops.provisioning.migrations import checked
    from shared.storage import open_storage

    (name,) = checked([service])
    storage = open_storage(settings_of(config), name)
    try:
        if not storage.keeps_states:
            raise UsageError(f"--service: {name} keeps no state of its branches")
        yield storage
    except (OperationalError, ProgrammingError) as error:
        raise CommandError(f"the database of {name}: {getattr(error, 'orig', None) or error}") from None
    finally:
        storage.close()
