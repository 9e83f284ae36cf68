"""An HTTP call as data."""

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

from pydantic import BaseModel, TypeAdapter

from shared.contracts.base import Body, BranchId, GivenDate, Name, PathId, Role
from shared.contracts.http.permissions import PERMISSIONS

Method = Literal["GET", "POST", "PUT", "DELETE"]

JSON: Final = "application/json"
YAML: Final = "application/yaml"

_KINDS = {"b": BranchId, "c": Name, "d": Name, "t": Name, "id": PathId, "file": PathId, "date": GivenDate}
PARAMETER_TYPES: Final = MappingProxyType[str, TypeAdapter[Any]](
    {name: TypeAdapter(kind) for name, kind in _KINDS.items()}
)
"""What a part of a path may be, by its name: what is published is what is checked."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One call: where it is served, who may make it, what it takes and what it gives.

    ``path`` holds its parameters in braces; ``{b}`` is the branch, which the token's scope must
    cover. ``status`` is the answer's status when all went well; ``empty`` says that 204 without a
    body is possible too. ``codes`` are the problem codes that are special to this call. Who may make it
    is the row of its name in :data:`~shared.contracts.http.permissions.PERMISSIONS`; without one it is
    refused here (KeyError), unless ``roles`` are given: of an operation outside the catalogue.
    """

    name: str
    service: str
    method: Method
    path: str
    summary: str
    request: type[Body] | None = None
    response: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    status: int = 200
    empty: bool = False
    media_type: str = "application/json"
    other_media_types: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    roles: frozenset[Role] = frozenset()
    pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Look up who may, and compile the path into the pattern that proxies and tests match addresses with."""
        if not self.roles:
            object.__setattr__(self, "roles", PERMISSIONS[self.name])
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path))
        object.__setattr__(self, "pattern", re.compile(pattern))

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in the path's braces."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    def url(self, **parameters: str) -> str:
        """Return the path with its parameters filled in."""
        return self.path.format(**parameters)
