"""Settings for a command: ``--config FILE`` below the environment.

The file is a YAML mapping of setting names without their prefix (``amqp_url: amqp://…``). A variable
of the environment wins over it. It is handed to child processes too, as LOBBY_CONFIG.
"""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from services.ops.errors import UsageError
from shared.settings import Settings, config_file, load_settings

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="YAML mapping of settings without LOBBY_; the environment wins."),
]


def settings_of(config: Path | None) -> Settings:
    """Read the settings: defaults, then the file, then the environment.

    Raises :class:`UsageError` or :class:`shared.settings.SettingsError` that names what is wrong.
    """
    file = config or config_file()
    if file is not None:
        for name, value in read(file).items():
            os.environ.setdefault(f"LOBBY_{name.upper()}", value)
        os.environ["LOBBY_CONFIG"] = str(file.absolute())
    return load_settings()


def read(file: Path) -> dict[str, str]:
    """Read a settings file; raise :class:`UsageError` where it is missing or says what nobody knows."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        document = YAML(typ="safe", pure=True).load(file.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"--config {file}: {error.strerror}") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"--config {file}: not YAML: {error}") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise UsageError(f"--config {file}: a mapping of settings is needed, such as `amqp_url: memory://`")
    return {_known(name, file): _text(value) for name, value in document.items() if value is not None}


def _known(name: object, file: Path) -> str:
    if name not in Settings.model_fields:
        raise UsageError(
            f"--config {file}: no setting is called {name!r}; there are {', '.join(Settings.model_fields)}"
        )
    return str(name)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
