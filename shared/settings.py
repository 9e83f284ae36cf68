"""Settings: environment variables ``LOBBY_*``, all with a default that works on one machine."""

import os
from datetime import tzinfo
from functools import cached_property
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.clock import ScaledClock, SystemClock, parse_clock

SERVICES = ("triage", "vip", "incidents", "worklog", "gateway")
"""Every service, in the order in which they are started and migrated."""

DEFAULT_PORTS = {"gateway": 8000, "triage": 8001, "vip": 8002, "incidents": 8003, "worklog": 8004}

DEFAULT_TIMEZONE = "Asia/Shanghai"


class SettingsError(ValueError):
    """A ``LOBBY_*`` variable has a value that cannot be used; the message names it."""


class Settings(BaseSettings):
    """What an operator can set, one environment variable a field, prefixed with ``LOBBY_``."""

    model_config = SettingsConfigDict(env_prefix="LOBBY_", frozen=True, extra="ignore")

    env: Literal["development", "production"] = "development"
    amqp_url: str = Field(default="memory://", description="The broker; memory:// is the embedded transport.")
    database_url: str = Field(default="", description="PostgreSQL or SQLite; empty: SQLite files under data_dir.")
    data_dir: Path = Path("data")
    http_address: str = Field(default="", description="host:port; empty: 127.0.0.1 and the service's own port.")
    log: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    clock: str = "system"
    timezone: str = Field(default="", description="IANA name; empty: the offset of LOBBY_CLOCK, else Asia/Shanghai.")
    policy: Path | None = Field(default=None, description="The bank's policy file; empty: the packaged default.")
    triage_url: str = "http://127.0.0.1:8001"
    vip_url: str = "http://127.0.0.1:8002"
    incidents_url: str = "http://127.0.0.1:8003"
    worklog_url: str = "http://127.0.0.1:8004"
    jwt_public_key_file: Path | None = Field(default=None, description="PEM or JWKS; empty: the key pair in data_dir.")
    vault_key_file: Path | None = Field(default=None, description="32 random bytes; empty: made in data_dir.")
    silence_s: float = Field(
        default=45,
        gt=0,
        description="Wall seconds of silence before a timer takes a customer for gone.",
    )
    open_pages: bool | None = Field(
        default=None, description="Pages can be read without signing in; empty: only in development."
    )
    queues: Literal[1, 2, 4, 8, 16, 32, 64] = Field(default=4, description="Queues a service reads, a divisor of 64.")
    state_cache_mb: int = Field(
        default=256,
        ge=1,
        description="Memory for the states of branches; beyond it they are read again from snapshots.",
    )
    batch_size: int = Field(default=200, ge=1, le=2000)
    max_body_bytes: int = Field(default=1_048_576, ge=1024)
    max_connections: int = Field(default=8192, ge=16, description="Open HTTP connections of a process.")
    socket_timeout_s: float = Field(default=30, gt=0, description="How long a client may take to send or to read on.")
    request_timeout_s: float = Field(
        default=60, gt=0, description="How long a whole head, or body, may take to arrive."
    )
    post_rate: float = Field(default=2000, gt=0, description="POSTs a second of one caller, in the long run.")
    post_burst: int = Field(default=4000, ge=1, description="POSTs of one caller at once.")
    streams_per_token: int = Field(default=64, ge=1, description="Open event streams of one token.")
    origin: str = Field(default="http://127.0.0.1:8000", description="Where the command line finds the system.")

    @field_validator("queues", mode="before")
    @classmethod
    def _queues_is_a_number(cls, value: object) -> object:
        # An environment variable is text, and a Literal compares without converting.
        return int(value) if isinstance(value, str) and value.isdigit() else value

    @field_validator("clock")
    @classmethod
    def _clock_parses(cls, value: str) -> str:
        parse_clock(value)
        return value

    @field_validator("timezone")
    @classmethod
    def _timezone_exists(cls, value: str) -> str:
        if value:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise ValueError(f"{value!r} is not an IANA time zone") from error
        return value

    @model_validator(mode="after")
    def _no_other_clock_in_production(self) -> "Settings":
        if self.env == "production" and self.clock != "system":
            raise ValueError("LOBBY_CLOCK must be `system` when LOBBY_ENV=production")
        return self

    @cached_property
    def business_clock(self) -> SystemClock | ScaledClock:
        """The clock that LOBBY_CLOCK describes."""
        return parse_clock(self.clock)

    @property
    def embedded(self) -> bool:
        """Whether everything runs in one process over the memory transport."""
        return self.amqp_url.startswith("memory:")

    @property
    def queue_shares(self) -> int:
        """How many event queues a service has; one where the transport is this process."""
        return 1 if self.embedded else self.queues

    @property
    def default_timezone(self) -> tzinfo:
        """The time zone of a branch that names none of its own."""
        if self.timezone:
            return ZoneInfo(self.timezone)
        return self.business_clock.offset or ZoneInfo(DEFAULT_TIMEZONE)

    @property
    def pages_are_open(self) -> bool:
        """Whether a page can be read without signing in."""
        return self.env == "development" if self.open_pages is None else self.open_pages

    def address_of(self, service: str) -> tuple[str, int]:
        """Return the host and port that a service listens on."""
        host, _, port = (self.http_address or f"127.0.0.1:{DEFAULT_PORTS[service]}").rpartition(":")
        if not host or not port.isdigit():
            raise SettingsError(f"LOBBY_HTTP_ADDRESS: {self.http_address!r} is not host:port")
        return host.strip("[]"), int(port)

    def database_url_of(self, service: str) -> str:
        """Return the SQLAlchemy URL of a service's database: a schema of PostgreSQL or a SQLite file."""
        if self.database_url.startswith(("postgresql", "postgres:")):
            return "postgresql+psycopg:" + self.database_url.split(":", 1)[1]
        if self.database_url:
            return self.database_url.replace("{service}", service)
        return f"sqlite:///{self.data_dir / service}.sqlite"


def load_settings() -> Settings:
    """Read the settings from the environment; raise :class:`SettingsError` that names the variable."""
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"{'_'.join(('LOBBY', *map(str, e['loc']))).upper()}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        )
        raise SettingsError(problems) from None


def config_file() -> Path | None:
    """Return the file that ``--config`` or ``LOBBY_CONFIG`` names."""
    name = os.environ.get("LOBBY_CONFIG")
    return Path(name) if name else None
