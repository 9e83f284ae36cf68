"""What every process needs to play a seed, and the playing of one."""

from dataclasses import dataclass
from datetime import tzinfo
from random import Random

from services.ops.experiments.policy_comparison.arrival import Arrival
from services.ops.experiments.policy_comparison.customers import Shown, drawn, speeds
from services.ops.experiments.policy_comparison.engine import Crew, run
from services.ops.experiments.policy_comparison.figures import Pair, figures, groups_of
from services.ops.experiments.policy_comparison.staffing import Staffing
from services.ops.simulator.trace import Row
from services.triage.policy_file import Document, policy_of


@dataclass(frozen=True, kw_only=True)
class Job:
    """Plain values, so that another process can be handed them. ``policies`` are documents."""

    policies: tuple[Document, Document]
    rows: tuple[Row, ...]
    known: Shown
    staffing: Staffing
    zone: tzinfo

    def arrivals(self, seed: int) -> list[Arrival]:
        """Return the seed's customers."""
        return drawn(self.rows, self.known, Random(f"customers/{seed}"))

    def crew(self, seed: int) -> Crew:
        """Return who serves them, and how fast."""
        return Crew(staffing=self.staffing, speeds=speeds(self.staffing.counters, Random(f"speeds/{seed}")))


def play(job: Job, seed: int) -> Pair:
    """Let the same customers come to the same counters under either policy."""
    arrivals, crew = job.arrivals(seed), job.crew(seed)
    policies = [policy_of(document) for document in job.policies]
    a, b = (run(policy, job.zone, arrivals, crew) for policy in policies)
    most = [policy.max_overtakes for policy in policies]
    return Pair(
        a=figures(a, groups_of(arrivals, a, b), most[0]),
        b=figures(b, groups_of(arrivals, b, a), most[1]),
        events=a.events + b.events,
    )
