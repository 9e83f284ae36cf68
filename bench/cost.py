"""What a command writes to PostgreSQL's log of changes, and what services hold in memory after many tickets."""

import json
import sys
from collections import Counter
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from bench import load
from bench.calls import TICKET, calling, carry_out, filling, opening
from bench.child import Serving, serving
from bench.load import Request, Script
from shared.settings import SERVICES, Settings
from shared.storage.migrate import upgrade
from shared.web.tokens import issue_token
from tests.support.processes import wait_until

AIM_WAL, AIM_MB = 4_000, 150
BRANCHES, CONNECTIONS = 50, 16
TICKETS, SHORT_TICKETS = 50_000, 1_000
OPEN_OF = 100
"""One ticket of so many stays open."""
CONSUMERS = ("vip", "worklog")
DRAIN_S = 900

Figures = dict[str, float]


def compare(amqp_url: str, database_url: str, *, short: bool) -> dict[str, Figures]:
    """Run services; let a day go by; read what was written, and what is held."""
    with TemporaryDirectory(prefix="lobby-bench-") as name:
        settings = Settings(data_dir=Path(name), database_url=database_url, amqp_url=amqp_url)
        for service in SERVICES:
            upgrade(settings, service)
        token = issue_token(settings, roles=["supervisor", "terminal", "teller"], branches=["*"])
        with ExitStack() as stack:
            processes = {one: stack.enter_context(serving(one, settings)) for one in ("triage", *CONSUMERS)}
            start = {f"{one}_start_mb": _memory_mb(process) for one, process in processes.items()}
            alone = _wal(settings, processes["triage"], token, 1, 2.0 if short else 10.0)
            busy = _wal(settings, processes["triage"], token, CONNECTIONS, 2.0 if short else 10.0)
            count = SHORT_TICKETS if short else TICKETS
            of_each = [partial(_short_visits, f"held-{n % BRANCHES}", count // CONNECTIONS) for n in range(CONNECTIONS)]
            carry_out(processes["triage"].address, token, of_each)
            _wait_for_consumers(settings)
            held = {f"{one}_mb": _memory_mb(process) for one, process in processes.items()}
    return {"alone": alone, "busy": busy, "memory": {"tickets": count, **start, **held}}


def report(measured: dict[str, Figures]) -> str:
    """Return the figures beside their aims, for people."""
    lines = ["WAL of triage a command (call-next, left, tickets, printed in turn), full-page images apart\n"]
    for name, title in (("alone", "one after the other"), ("busy", f"{CONNECTIONS} connections")):
        own = dict(measured[name])
        commands, whole, images = own.pop("commands"), own.pop("bytes"), own.pop("images")
        lines.append(
            f"  {title}: {whole / commands:,.0f} bytes (aim: {AIM_WAL:,}), and {images / commands:,.0f} of images; "
            f"{commands:,.0f} commands"
        )
        for what, size in sorted(own.items(), key=lambda pair: -pair[1]):
            if size / commands >= 1:
                lines.append(f"    {what:40}{size / commands:>8,.0f}")
    memory = measured["memory"]
    lines.append(f"\nMemory (RSS) after {memory['tickets']:,.0f} tickets, of which one in {OPEN_OF} is open\n")
    for one in ("triage", *CONSUMERS):
        aim = f" (aim: {AIM_MB})" if one == "triage" else ""
        lines.append(f"  {one:10}{memory[f'{one}_start_mb']:>8.0f} MB at the start {memory[f'{one}_mb']:>8.0f} MB{aim}")
    return "\n".join([*lines, ""])


def _short_visits(branch: str, count: int) -> Script:
    """Take tickets whose customers wait and leave; one of so many stays."""
    for number in range(count):
        answer = yield Request(kind="ticket", path=f"/v1/branches/{branch}/tickets", body=TICKET)
        ticket = json.loads(answer.body)["ticket_id"]
        yield Request(kind="other", path=f"/v1/branches/{branch}/tickets/{ticket}/printed")
        if number % OPEN_OF:
            yield Request(kind="other", path=f"/v1/tickets/{ticket}/left")


def _wal(settings: Settings, triage: Serving, token: str, connections: int, seconds: float) -> Figures:
    """Return the bytes of WAL that triage's tables took, by what they were for, and how many commands there were."""
    branches = [f"wal-{connections}-{n}" for n in range(connections)]
    carry_out(triage.address, token, [partial(filling, branch, 10) for branch in branches])
    carry_out(triage.address, token, [partial(opening, branch, "1") for branch in branches])
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
        connection.execute("CHECKPOINT")
        began = _lsn(connection)
        tally = load.run(
            triage.address, token, [partial(calling, branch, "1") for branch in branches], seconds=seconds, warm_s=0
        )
        ended = _lsn(connection)
        if tally.wrong:
            raise RuntimeError(f"{len(tally.wrong)} wrong answers, first {tally.wrong[0]}")
        found = _by_relation(connection, began, ended)
    images = found.pop("images", 0)
    commands = sum(map(len, tally.seconds.values()))
    print(f"cost: {sum(found.values()) / commands:,.0f} bytes of WAL a command", file=sys.stderr)
    return {"commands": commands, "bytes": sum(found.values()), "images": images, **found}


def _lsn(connection: "psycopg.Connection[tuple[object, ...]]") -> str:
    """Return the end of what is written: of what is only inserted yet nothing can be read."""
    connection.execute("SELECT pg_switch_wal()")
    row = connection.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone()
    assert row is not None
    return str(row[0])


_RECORDS = """
SELECT resource_manager, substring(block_ref FROM 'rel [0-9]+/[0-9]+/([0-9]+)') AS node,
       sum(record_length - fpi_length)::bigint AS size, sum(fpi_length)::bigint AS images
  FROM pg_get_wal_records_info(%s, %s) GROUP BY 1, 2
"""
_RELATIONS = """
SELECT pg_relation_filenode(c.oid)::text, n.nspname, coalesce(t.relname || ' (long values)', c.relname), c.relkind
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_class t ON t.reltoastrelid = c.oid
 WHERE pg_relation_filenode(c.oid) IS NOT NULL
"""


def _by_relation(connection: "psycopg.Connection[tuple[object, ...]]", began: str, ended: str) -> Counter[str]:
    """Return the bytes by table or index, the other services' and images apart; commits are what has no table."""
    relations = {
        str(node): (schema, f"{'index' if kind == b'i' or kind == 'i' else 'table'} {name}")
        for node, schema, name, kind in connection.execute(_RELATIONS)
    }
    found: Counter[str] = Counter()
    for manager, node, size, images in connection.execute(_RECORDS, (began, ended)):
        schema, name = relations.get(str(node), ("", f"{manager}"))
        if schema in SERVICES and schema != "triage":
            continue
        assert isinstance(size, int)
        assert isinstance(images, int)
        found[name] += size
        found["images"] += images
    found.pop("XLOG", None)  # checkpoints, and the switch of files
    return found


def _wait_for_consumers(settings: Settings) -> None:
    """Wait until the consumers have handled what triage said."""
    with psycopg.connect(settings.database_url, autocommit=True) as connection:

        def settled() -> bool:
            rows = connection.execute("SELECT count(*) FROM triage.log WHERE own").fetchone()
            heard = connection.execute("SELECT count(*) FROM worklog.journal").fetchone()
            return rows == heard

        wait_until(settled, within_s=DRAIN_S, what="the journal to have every event")


def _memory_mb(process: Serving) -> float:
    """Return a process's resident memory; 0 where the system does not tell it."""
    try:
        status = Path(f"/proc/{process.process}/status").read_text()
    except OSError:
        return 0.0
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
