"""A small lobby in memory behind HTTP, which can break connections as a killed service does.

It keeps the contracts' promises (an Idempotency-Key is answered once), so that a test can ask what
the simulator does when an answer is lost, late, or wrong. Acceptance runs use the real services.
"""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime
from random import Random
from typing import Any

from aiohttp import web

from shared.contracts.http.catalog import OPERATIONS
from shared.contracts.http.operation import Operation

DAY = "2026-11-24"
Json = dict[str, Any]


class Problem(Exception):
    """An answer of the kind application/problem+json."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class FakeOrigin:
    """Several branches behind one address; an id begins with its branch's name."""

    def __init__(self, *branches: str) -> None:
        self.lobbies = {branch: FakeLobby(prefix=f"{branch}:") for branch in branches}

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        _, path = FakeLobby.find(request)
        branch = path.get("b") or path.get("id", "").partition(":")[0] or next(iter(self.lobbies))
        return await self.lobbies[branch].answer(request)


class FakeLobby:
    """One branch's tickets, counters, hand-offs, incidents and work log.

    ``lose`` is the share of answers whose connection is cut (half of them after the work was done);
    ``doubles`` makes it count a served visit twice in its work log, ``unknown`` is a business that it
    refuses, ``clock`` what /v1/clock says.
    """

    def __init__(
        self,
        *,
        lose: float = 0.0,
        doubles: bool = False,
        unknown: str = "",
        clock: Json | None = None,
        prefix: str = "",
    ) -> None:
        self.random = Random(1)
        self.prefix = prefix
        self.disbelieves = False
        self.lose = lose
        self.doubles = doubles
        self.unknown = unknown
        self.clock_view = clock
        self.answers: dict[str, tuple[int, Json | None]] = {}
        self.tickets: dict[str, Json] = {}
        self.counters: dict[str, Json] = {}
        self.handoffs: dict[str, Json] = {}
        self.managers: list[str] = []
        self.incidents: dict[str, Json] = {}
        self.log: Counter[str] = Counter()
        self.checks: list[Json] = []
        self.notes: list[Json] = []
        self.calls: Counter[str] = Counter()
        self.requests: list[Json] = []
        self.down = asyncio.Event()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        return app

    async def answer(self, request: web.Request) -> web.StreamResponse:
        operation, path = self.find(request)
        self.calls[operation.name] += 1
        if self.down.is_set():
            return web.Response(status=503)
        if self.random.random() < self.lose / 2:
            return self._cut(request)
        key = request.headers.get("Idempotency-Key", "") if operation.method == "POST" else ""
        if key not in self.answers or not key:
            body = await request.json() if request.can_read_body else {}
            self.answers[key] = self._carry_out(operation, path, body)
        status, answer = self.answers[key]
        if self.random.random() < self.lose / 2:
            return self._cut(request)
        return web.Response(
            status=status, text=json.dumps(answer) if answer is not None else None, content_type="application/json"
        )

    @staticmethod
    def _cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    @staticmethod
    def find(request: web.Request) -> tuple[Operation, dict[str, str]]:
        for operation in OPERATIONS:
            match = operation.pattern.fullmatch(request.path)
            if match and operation.method == request.method:
                return operation, match.groupdict()
        raise AssertionError(f"the simulator called {request.method} {request.path}, which the contracts don't have")

    def _carry_out(self, operation: Operation, path: dict[str, str], body: Json) -> tuple[int, Json | None]:
        if operation.request is not None:
            operation.request.model_validate_json(json.dumps(body))
        try:
            answer = getattr(self, operation.name)(body, **path)
        except Problem as problem:
            return problem.status, {"code": problem.code, "detail": "so it is"}
        return (204, None) if answer is None else (operation.status, answer)

    # triage
    def takeTicket(self, body: Json, b: str) -> Json:
        if body["business"] == self.unknown:
            raise Problem(422, "unknown_business")
        if body.get("requested_at") and self.disbelieves:
            raise Problem(422, "requested_too_long_ago")
        self.requests.append(body)
        vip = body["customer"]["card_tier"] == "platinum"
        id_ = f"{self.prefix}t{len(self.tickets)}"
        self.tickets[id_] = {
            "visit_id": f"{self.prefix}v{len(self.tickets)}", "ticket_id": id_, "number": id_, "state": "reserved",
            "channel": "vip" if vip else "counter", "business_date": DAY, "outcome": None, "priority": 0,
        }  # fmt: skip
        self.log["visits"] += 1
        return self.tickets[id_]

    def ticketPrinted(self, body: Json, b: str, id: str) -> Json:
        ticket = self.tickets[id]
        ticket["state"] = "waiting"
        if ticket["channel"] == "vip":
            self._offer(ticket)
        return ticket

    def deviceStatus(self, body: Json, b: str, d: str) -> Json:
        return {"device_id": d, **body}

    def openCounter(self, body: Json, b: str, c: str) -> Json:
        return self.counters.setdefault(
            c, {"counter": c, "state": "open", "channels": body["channels"], "serving": None}
        )

    def closeCounter(self, body: Json, b: str, c: str) -> Json:
        return self.counters.pop(c)

    def callNext(self, body: Json, b: str, c: str) -> Json | None:
        counter = self.counters[c]
        if counter["serving"]:
            raise Problem(409, "counter_busy")
        for ticket in self.tickets.values():
            if ticket["state"] == "waiting" and ticket["channel"] in counter["channels"]:
                ticket["state"] = "called"
                counter["serving"] = ticket
                return ticket
        return None

    def start(self, body: Json, id: str) -> Json:
        return self._step(id, "called", "serving")

    def complete(self, body: Json, id: str) -> Json:
        return self._end(self._step(id, "serving", "completed"), "served")

    def left(self, body: Json, id: str) -> Json:
        if self.tickets[id]["state"] in ("completed", "left"):
            raise Problem(409, "conflict")
        self.tickets[id]["state"] = "left"
        for handoff in self.handoffs.values():
            if handoff["ticket_id"] == id:
                handoff["state"] = "withdrawn"
        return self._end(self.tickets[id], "left")

    def ticket(self, body: Json, id: str) -> Json:
        return self.tickets[id]

    def queue(self, body: Json, b: str) -> Json:
        waiting = [t for t in self.tickets.values() if t["state"] == "waiting" and t["channel"] != "vip"]
        return {"waiting": waiting, "counters": list(self.counters.values())}

    def _step(self, id: str, before: str, after: str) -> Json:
        if self.tickets[id]["state"] != before:
            raise Problem(409, "conflict")
        self.tickets[id]["state"] = after
        return self.tickets[id]

    def _end(self, ticket: Json, outcome: str) -> Json:
        ticket["outcome"] = outcome
        for counter in self.counters.values():
            if counter["serving"] is ticket:
                counter["serving"] = None
        self.log[outcome] += 2 if self.doubles and outcome == "served" and not self.log[outcome] else 1
        return ticket

    # vip
    def _offer(self, ticket: Json) -> None:
        id_ = f"{self.prefix}h{len(self.handoffs)}"
        manager = self.managers[len(self.handoffs) % len(self.managers)] if self.managers else None
        self.handoffs[id_] = {
            "handoff_id": id_, "visit_id": ticket["visit_id"], "ticket_id": ticket["ticket_id"], "business_date": DAY,
            "state": "offered" if manager else "escalated", "manager_id": manager,
        }  # fmt: skip

    def vip(self, body: Json, b: str) -> Json:
        return {"handoffs": [h for h in self.handoffs.values() if h["state"] not in ("completed", "withdrawn")]}

    def setRoster(self, body: Json, b: str) -> Json:
        self.managers = [manager["manager_id"] for manager in body["managers"]]
        return {"branch": b, "managers": []}

    def acceptHandoff(self, body: Json, id: str) -> Json:
        if self.handoffs[id]["state"] not in ("offered", "escalated"):
            raise Problem(409, "conflict")
        self.handoffs[id] |= {"state": "accepted", "manager_id": body["manager_id"]}
        self.tickets[self.handoffs[id]["ticket_id"]]["state"] = "serving"
        return self.handoffs[id]

    def completeHandoff(self, body: Json, id: str) -> Json:
        if self.handoffs[id]["state"] != "accepted":
            raise Problem(409, "conflict")
        self.handoffs[id]["state"] = "completed"
        self.log["vip_handoffs"] += 1
        self._end(self._step(self.handoffs[id]["ticket_id"], "serving", "completed"), "served")
        return self.handoffs[id]

    # incidents, work log, gateway
    def openIncident(self, body: Json, b: str) -> Json:
        id_ = f"{self.prefix}i{len(self.incidents)}"
        self.incidents[id_] = {
            "incident_id": id_,
            "kind": body["kind"],
            "business_date": DAY,
            "state": "open",
            "steps": [],
        }
        return self.incidents[id_]

    def recordStep(self, body: Json, id: str) -> Json:
        self.incidents[id]["steps"].append(body["step"])
        return self.incidents[id]

    def closeIncident(self, body: Json, id: str) -> Json:
        self.incidents[id]["state"] = "closed"
        return self.incidents[id]

    def recordChecks(self, body: Json, b: str, date: str) -> Json:
        self.checks.append(body)
        return body

    def addNote(self, body: Json, b: str, date: str) -> Json:
        self.notes.append(body)
        return body

    def worklog(self, body: Json, b: str, date: str) -> Json:
        if date != DAY:
            raise Problem(404, "not_found")
        kinds = Counter(i["kind"] for i in self.incidents.values())
        closed = Counter(i["kind"] for i in self.incidents.values() if i["state"] == "closed")
        figures = [{"kind": k, "opened": n, "closed": closed[k]} for k, n in kinds.items()]
        log = {name: self.log[name] for name in ("visits", "served", "left", "vip_handoffs")}
        return {**log, "incidents": figures, "checks": self.checks, "notes": self.notes}

    def clock(self, body: Json) -> Json:
        now = datetime.now(UTC)
        return self.clock_view or {"now": now.isoformat(), "rate": 1.0, "spec": "system", "offset_s": 28800}


def a_scaled_clock(now: datetime, rate: float) -> Json:
    """What /v1/clock says of a scaled clock."""
    wall = datetime.now(UTC)
    return {
        "now": now.isoformat(),
        "rate": rate,
        "spec": f"{now.isoformat()}@{rate:g}@{wall.isoformat()}",
        "offset_s": 7200,
    }
