"""What a wait is estimated from: the line, the counters that serve it, and the channel's history (T9)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from services.triage.handlers.ports import Records
from services.triage.model import Channel, Counter
from services.triage.policy import History, Policy, Promise, line_of, promise


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What the branch shows now: its open counters, which of them are taken, and the histories."""

    windows: Sequence[Counter]
    busy: Collection[str]
    histories: Mapping[Channel, History]

    def promise(self, policy: Policy, channel: Channel, ahead: int) -> Promise:
        """Estimate the wait of somebody who has ``ahead`` tickets before them in the channel's line."""
        line = set(line_of(channel))
        serving = [window.counter for window in self.windows if line.intersection(window.channels)]
        history = self.histories.get(channel, History())
        busy = sum(1 for counter in serving if counter in self.busy)
        return promise(policy, history, ahead=ahead, serving=len(serving), busy=busy)


def outlook(records: Records, branch: str) -> Outlook:
    """Return what the branch shows now."""
    return Outlook(
        windows=[window for window in records.counters(branch) if window.is_open],
        busy=records.busy(branch),
        histories=records.histories(branch),
    )
