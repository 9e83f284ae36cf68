"""A token for each role that the simulator plays."""

import time

from services.ops.local_tokens import issue_text
from shared.settings import Settings

TTL_S = 8 * 3600


class Tokens:
    """Tokens signed with the local key, one a role, renewed at half-time; or the one that was given."""

    def __init__(self, settings: Settings, given: str | None, branches: list[str]) -> None:
        """``given`` must have every role that is played."""
        self._settings = settings
        self._given = given
        self._branches = branches
        self._issued: dict[str, tuple[float, str]] = {}

    def of(self, role: str) -> str:
        """Return a token that will hold for hours."""
        if self._given:
            return self._given
        renew_at, token = self._issued.get(role, (0.0, ""))
        if time.monotonic() >= renew_at:
            token = issue_text(
                self._settings, roles=[role], branches=self._branches, ttl=f"{TTL_S}s", subject=f"simulator-{role}"
            )
            self._issued[role] = (time.monotonic() + TTL_S / 2, token)
        return token
