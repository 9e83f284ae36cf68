"""An HTTP call as data."""

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from pydantic import BaseModel

from shared.contracts.base import Role

Method = Literal["GET", "POST", "PUT"]

EVERYONE: frozenset[Role] = frozenset(
    ("terminal", "teller", "lobby_manager", "customer_manager", "supervisor", "operations", "auditor", "display")
)
BUT_SCREENS: frozenset[Role] = EVERYONE - {"display"}
"""A screen in the hall is in everybody's sight: it reads the stream, the queue and the clock, and nothing else."""
STAFF: frozenset[Role] = frozenset(("teller", "lobby_manager", "customer_manager", "supervisor", "operations"))
READERS: frozenset[Role] = STAFF | {"auditor"}

JSON: Final = "application/json"
YAML: Final = "application/yaml"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One call: where it is served, who may make it, what it takes and what it gives.

    ``path`` holds its parameters in braces; ``{b}`` is the branch, which the token's scope must
    cover. ``status`` is the answer's status when all went well; ``empty`` says that 204 without a
    body is possible too. ``codes`` are the problem codes that are special to this call.
    """

    name: str
    service: str
    method: Method
    path: str
    summary: str
    roles: frozenset[Role]
    request: type[BaseModel] | None = None
    response: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    status: int = 200
    empty: bool = False
    media_type: str = "application/json"
    other_media_types: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile the path into the pattern that proxies and tests match addresses with."""
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path))
        object.__setattr__(self, "pattern", re.compile(pattern))

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in the path's braces."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    def url(self, **parameters: str) -> str:
        """Return the path with its parameters filled in."""
        return self.path.format(**parameters)
