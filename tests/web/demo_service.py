"""A small service that shows what the web edge does, and what it does when the service goes wrong."""

import os
import sys
import time

import eventlet
import sqlalchemy.exc
from nameko.containers import ServiceContainer
from nameko.extensions import DependencyProvider

from shared import logs
from shared.bus.topology import Topology
from shared.commands import Replayed
from shared.contracts.base import Body, View
from shared.contracts.http import gateway, triage, worklog
from shared.contracts.http.operation import Operation
from shared.contracts.http.permissions import EVERYONE, STAFF
from shared.errors import Conflict
from shared.settings import load_settings
from shared.web.branch_notifier import BranchNotifier
from shared.web.entrypoint import http
from shared.web.request_context import Call
from shared.web.sse import EventStream
from tests.web.demo_secret import SECRET


class EchoBody(Body):
    text: str
    count: int = 1
    wait_s: float = 0


class Optional(Body):
    text: str = "nothing"


class Echo(View):
    text: str
    branch: str
    command: str | None
    actor: str
    fingerprint: str | None


def operation(name, method, path, **more):
    described = {"roles": STAFF, "response": Echo, **more}
    return Operation(name=name, service="triage", method=method, path=path, summary=name, **described)


ECHO = operation("echo", "POST", "/demo/{b}/echo", request=EchoBody, status=201)
OPTIONAL = operation("optional", "POST", "/demo/{b}/optional", request=Optional)
BODYLESS = operation("bodyless", "POST", "/demo/{b}/bodyless", empty=True)
FAIL = operation("fail", "POST", "/demo/{b}/fail/{id}")
REPLAY = operation("replay", "POST", "/demo/{b}/replay")
ANY = operation("any", "GET", "/demo/{b}/any", roles=EVERYONE)
PAGE = operation("page", "GET", "/demo/page", roles=EVERYONE)
LOOKUP = operation("lookup", "POST", "/demo/lookup/{id}")
RING = operation("ring", "POST", "/demo/{b}/ring")


def echo(call: Call, text: str = "") -> Echo:
    posts = call.operation.method != "GET"
    return Echo(
        text=text,
        branch=call.branch,
        command=call.command.id if posts else None,
        actor=call.principal.subject,
        fingerprint=call.command.fingerprint if posts else None,
    )


class Ready(DependencyProvider):
    state = ""

    def get_dependency(self, worker_ctx):
        return self

    def readiness_checks(self):
        return {"database": self.check}

    def check(self):
        if Ready.state == "raises":
            raise RuntimeError(SECRET)
        if Ready.state == "hangs":
            eventlet.sleep(60)
        return Ready.state or None

    def die(self):
        def fail():
            raise RuntimeError("a dependency broke")

        self.container.spawn_managed_thread(fail)


class Triage:
    name = "triage"
    ready = Ready()

    @http(ECHO)
    def echo(self, call):
        logs.add(correlation="visit-1")
        eventlet.sleep(call.body.wait_s)
        return echo(call, call.body.text * call.body.count)

    @http(OPTIONAL)
    def optional(self, call):
        return echo(call, call.body.text)

    @http(BODYLESS)
    def bodyless(self, call):
        return None

    @http(FAIL)
    def fail(self, call):
        match call.params["id"]:
            case "bug":
                raise RuntimeError(f"cannot reach {SECRET}")
            case "conflict":
                raise Conflict("the ticket is served", state="served", allowed=["complete"])
            case "database":
                raise sqlalchemy.exc.OperationalError(f"connect {SECRET}", None, Exception(SECRET))
            case "nothing":
                return None
            case "ready":
                Ready.state = ""
            case "die":
                self.ready.die()
            case state:
                Ready.state = state
        return echo(call)

    @http(REPLAY)
    def replay(self, call):
        return Replayed(status=201, body=b'{"stored": true}')

    @http(ANY)
    def any(self, call):
        return echo(call)

    @http(PAGE, public=True)
    def page(self, call):
        return echo(call)

    @http(LOOKUP)
    def lookup(self, call):
        return Echo(
            text="", branch=call.command_for("elsewhere").branch, command="", actor="", fingerprint=call.key or ""
        )

    @http(triage.TAKE_TICKET)
    def take_ticket(self, call):
        return Echo(text=call.body.business, branch=call.branch, command=call.key, actor=call.principal.subject,
                    fingerprint=call.traceparent)  # fmt: skip

    @http(triage.QUEUE)
    def queue(self, call):
        return echo(call)

    @http(triage.CALL_NEXT)
    def call_next(self, call):
        if call.params["c"] == "closed":
            raise Conflict("the counter is closed", state="closed", allowed=["open"])


NOTIFIER = BranchNotifier()
EVENTS: list[tuple[str, bytes]] = []


class Gateway:
    name = "gateway"

    @http(RING)
    def ring(self, call):
        EVENTS.append((call.branch, b'{"at": %f}' % time.time()))
        NOTIFIER.notify(call.branch)
        return echo(call)

    @http(gateway.STREAM)
    def stream(self, call):
        return EventStream(
            call,
            self._events(call.branch, int(call.last_event_id or 0)),
            heartbeat_s=0.3 if call.branch == "quiet" else 15,
        )

    def _events(self, branch, seen):
        while True:
            count = NOTIFIER.count(branch)
            while seen < len(EVENTS):
                whose, body = EVENTS[seen]
                seen += 1
                if whose == branch:
                    yield str(seen), "lobby.demo.rang.v1", body
            if branch == "broken":
                raise RuntimeError(SECRET)
            if not NOTIFIER.wait(branch, count, 0.1):
                yield None

    @http(gateway.POST_EVENTS)
    def events(self, call):
        return gateway.EventsAccepted(accepted=len(call.raw), duplicates=0)

    @http(worklog.DAY)
    def day(self, call):
        return echo(call, f"{call.date:%Y}")


NO_QUEUES = Topology(subscriptions={}, shares=1)
SERVICES = {"triage": Triage, "gateway": Gateway}


def run(names):
    settings = load_settings()
    logs.configure(settings)
    containers = [
        ServiceContainer(SERVICES[name], {"settings": settings, "topology": NO_QUEUES, "max_workers": 50})
        for name in names
    ]
    for container in containers:
        container.start()
    server = next(iter(containers[0].entrypoints)).server
    print(server.port, flush=True)
    eventlet.hubs.trampoline(sys.stdin.fileno(), read=True)
    began = time.monotonic()
    for container in containers:
        container.stop()
    print(f"{time.monotonic() - began:.3f}", flush=True)
    os._exit(0)
