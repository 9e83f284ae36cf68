"""What a wait is estimated from: the line, the counters that serve it, and the channel's history (T9)."""

from services.triage.handlers.ports import Records
from services.triage.model import Channel
from services.triage.policy import Policy, Promise, line_of, promise


def promise_for(records: Records, policy: Policy, branch: str, channel: Channel, ahead: int) -> Promise:
    """Estimate the wait of somebody who has ``ahead`` tickets before them in the channel's line."""
    line = set(line_of(channel))
    serving = [
        counter.counter for counter in records.counters(branch) if counter.is_open and line & {*counter.channels}
    ]
    busy = records.busy(branch)
    return promise(
        policy,
        records.history(branch, channel),
        ahead=ahead,
        serving=len(serving),
        busy=sum(1 for counter in serving if counter in busy),
    )
