"""What a branch is run by."""

from dataclasses import dataclass
from datetime import tzinfo

from services.triage.policy import Policy


@dataclass(frozen=True, kw_only=True)
class House:
    """A branch's time zone and its policy, which is the ``version``-th with this digest."""

    zone: tzinfo
    policy: Policy
    version: int = 0
    digest: str = ""
