"""``lobby serve``: one service in a process of its own."""

from collections.abc import Callable, Iterable
from typing import Annotated

import typer

from services.ops.config import ConfigFile, settings_of
from services.ops.errors import CommandError, UsageError
from services.ops.provisioning.migrations import checked, refuse_unknown
from shared.settings import Settings


def run(settings: Settings, services: Iterable[str]) -> None:
    """Run the services until SIGTERM or SIGINT.

    Raises :class:`UsageError` without a broker or for an unknown service, :class:`CommandError` for a database of
    another version and when a service can't start or dies.
    """
    names = checked(services)
    if settings.embedded:
        raise UsageError(
            "`lobby serve` needs a broker that other processes reach: set LOBBY_AMQP_URL, or use `lobby up`"
        )
    refuse_unknown(settings, names)
    run_services(settings, names)


def _nothing() -> None:
    """What there is to do when nobody wants anything done."""


def run_services(
    settings: Settings,
    names: list[str],
    *,
    on_ready: Callable[[], None] = _nothing,
    while_running: Callable[[], None] = _nothing,
) -> None:
    """Run the services until SIGTERM or SIGINT; raise :class:`CommandError` when one can't start or dies."""
    from services.ops.service_classes import classes_of, topology_of
    from shared import logs
    from shared.bus.process import ServiceDied, run_until_signalled

    logs.configure(settings)
    try:
        run_until_signalled(
            settings,
            classes_of(names),
            topology_of(settings.queue_shares),
            on_ready=on_ready,
            while_running=while_running,
        )
    except ServiceDied as error:
        raise CommandError(f"a service died: {error}") from None
    except OSError as error:
        raise CommandError(f"cannot start {', '.join(names)}: {error}") from None


Services = Annotated[list[str], typer.Argument(metavar="SERVICE...", help="triage, vip, incidents, worklog, gateway")]


def serve(services: Services, config: ConfigFile = None) -> None:
    """Run a service (or some) in this process, for production.

    Needs a broker (LOBBY_AMQP_URL) and migrated databases (`lobby db upgrade`). SIGTERM ends it after
    what it has in hand; more processes of the same service share its work.

    Examples:

    `LOBBY_AMQP_URL=amqp://… LOBBY_DATABASE_URL=postgresql://… lobby serve triage`

    `lobby serve vip incidents worklog` — three in one process
    """
    run(settings_of(config), services)


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command("serve")(serve)
