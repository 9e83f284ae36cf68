"""Events as the services say them, with their subjects' sequences; days are those of Shanghai."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from shared.contracts.envelope import Event, EventData, validated
from shared.contracts.events import incidents, triage, vip
from shared.contracts.registry import type_of

TODAY = date(2026, 11, 24)
MORNING = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)  # nine o'clock in Shanghai


class Happened:
    """Makes events in the order in which they happen, a second apart."""

    def __init__(self, branch: str = "demo", at: datetime = MORNING) -> None:
        self.branch = branch
        self.at = at
        self._sequences: Counter[tuple[str, str]] = Counter()
        self._numbers = count(1)
        self._of_tickets: dict[str, str] = {}

    def say(
        self, service: str, subject: str, data: EventData, *, recorded: datetime | None = None, **more: Any
    ) -> Event:
        self._sequences[service, subject] += 1
        self.at += timedelta(seconds=1)
        attributes: dict[str, Any] = {
            "id": f"{self.branch}-{next(self._numbers)}",
            "source": f"/services/{service}",
            "type": type_of(type(data)),
            "subject": subject,
            "time": self.at,
            "branchid": self.branch,
            "correlationid": subject,
            "sequence": self._sequences[service, subject],
            "recordedtime": recorded or self.at,
            "data": data,
        }
        return Event(**(attributes | more))

    def issued(
        self, visit: str, channel: triage.Channel = "counter", *, day: date = TODAY, ticket: str = "t", **how: Any
    ) -> Event:  # fmt: skip
        return self.say("triage", visit, triage.TicketIssued(
            **self._of_ticket(visit, channel, day, ticket), priority=0, requested_at=self.at, position=1,
            wait_p50_s=60, wait_p90_s=120, promised=True, estimated_from=(),
        ), **how)  # fmt: skip

    def diverted(self, visit: str, step: type[EventData], business: str = "query", **given: Any) -> Event:
        of = {**self._of_ticket(visit, "self_service", TODAY, "t"), "business": business}
        return self.say("triage", visit, validated(step, {**of, **given}))

    def called(
        self, visit: str, channel: triage.Channel = "counter", *, waited_s: float = 30, promised_s: float = 120,
        day: date = TODAY,
    ) -> Event:  # fmt: skip
        return self.say("triage", visit, triage.TicketCalled(
            **self._of_ticket(visit, channel, day, "t"), counter="1", waited_s=waited_s, quoted_p50_s=60,
            quoted_p90_s=promised_s, way="next", overtaken_lanes=(),
        ))  # fmt: skip

    def no_show(self, visit: str, channel: triage.Channel = "counter", *, day: date = TODAY) -> Event:
        return self.say("triage", visit, triage.TicketNoShow(**self._of_ticket(visit, channel, day, "t"), counter="1"))

    def undone(self, visit: str, what: str, *, waited_s: float = 30, promised_s: float = 120) -> Event:
        return self.say("triage", visit, triage.StepUndone(
            **self._of_ticket(visit, "counter", TODAY, "t"), state="waiting", reason="a slip", undone=what,
            waited_s=waited_s, quoted_p90_s=promised_s,
        ))  # fmt: skip

    def ended(
        self, visit: str, outcome: triage.Outcome = "served", *, channel: triage.Channel = "counter",
        waited_s: float = 30, day: date = TODAY, reason: str | None = None, **how: Any,
    ) -> Event:  # fmt: skip
        return self.say("triage", visit, triage.VisitEnded(
            visit_id=visit, channel=channel, outcome=outcome, business_date=day, waited_s=waited_s, service_s=60,
            reason=reason,
        ), **how)  # fmt: skip

    def counter_opened(self, counter: str) -> Event:
        return self.say("triage", f"counter:{counter}", triage.CounterOpened(counter=counter, channels=("counter",)))

    def vip_arrived(self, handoff: str, *, day: date = TODAY) -> Event:
        arrived = vip.CustomerArrived(
            handoff_id=handoff, visit_id="v", business_date=day, tier="gold", recognised_by="card"
        )
        return self.say("vip", handoff, arrived)

    def handed_off(self, handoff: str, *, day: date = TODAY) -> Event:
        completed = vip.HandoffCompleted(handoff_id=handoff, visit_id="v", business_date=day, manager_id="m1")
        return self.say("vip", handoff, completed)

    def roster(self, on_duty: int, off_duty: int = 0, **more: Any) -> Event:
        managers = tuple(
            vip.Manager(manager_id=f"m{n}", kind="retail", on_duty=n < on_duty) for n in range(on_duty + off_duty)
        )
        return self.say("vip", f"roster:{self.branch}", vip.RosterSet(managers=managers), **more)

    def dispute(self, incident: str, *, day: date = TODAY) -> Event:
        opened = incidents.DisputeOpened(
            incident_id=incident, business_date=day, summary="两位客户争吵", happened_at=self.at, reported_by="li"
        )
        return self.say("incidents", incident, opened)

    def settled(self, incident: str, *, day: date = TODAY) -> Event:
        closed = incidents.IncidentClosed(
            incident_id=incident, kind="dispute", business_date=day, resolution="settled", by="li", open_s=60
        )
        return self.say("incidents", incident, closed)

    def visit(self, visit: str, outcome: triage.Outcome = "served", **fields: Any) -> Iterator[Event]:
        """A whole visit at a counter."""
        yield self.issued(visit)
        yield self.called(visit, **fields)
        yield self.ended(visit, outcome, **fields)

    def _of_ticket(self, visit: str, channel: triage.Channel, day: date, ticket: str) -> dict[str, Any]:
        ticket_id = f"{visit}-{ticket}"
        number = self._of_tickets.setdefault(ticket_id, f"A{len(self._of_tickets) + 1:03}")
        return {
            "visit_id": visit, "ticket_id": ticket_id, "number": number, "channel": channel,
            "business": "transfer", "business_date": day,
        }  # fmt: skip
