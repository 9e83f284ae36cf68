"""Logs, traces and the patch: what every process sets up first."""

import json
import subprocess
import sys

import pytest

from shared import logs, tracing
from tests.web.conftest import ROOT

SENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def run(code, **env):
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, timeout=20, check=True
    )
    return result.stdout, result.stderr


LOGGING = """
import logging, structlog
from shared import logs
from shared.settings import load_settings
logs.configure(load_settings())
log = structlog.get_logger()
with logs.bound(service="triage", correlation="visit-1", causation=None, branch="b1", traceparent="t"):
    log.info("ours", n=1)
    logging.getLogger("some.library").warning("theirs %s", 2)
    logging.getLogger("nameko.containers").exception("error handling worker %s: %s", "w", "e")
    logging.getLogger("nameko.containers").error("another error")
log.debug("too fine")
log.info("outside")
try:
    secret = "hunter2"
    1 / 0
except ZeroDivisionError:
    log.exception("failed")
"""


def test_json_lines_carry_what_is_bound_whoever_logs():
    out, err = run(LOGGING, LOBBY_LOG="json")
    lines = [json.loads(line) for line in err.splitlines()]
    assert [line["event"] for line in lines] == ["ours", "theirs 2", "another error", "outside", "failed"]
    for line in lines[:3]:
        assert (line["service"], line["correlation"], line["branch"]) == ("triage", "visit-1", "b1")
        assert "causation" not in line
    assert lines[1]["logger"] == "some.library"
    assert "branch" not in lines[3]
    assert "ZeroDivisionError" in lines[4]["exception"]
    assert all(line["timestamp"].endswith("Z") and line["level"] for line in lines)
    assert out == ""


def test_the_console_shows_a_traceback_without_anybodys_variables():
    _, err = run(LOGGING)
    assert "ours" in err
    assert "ZeroDivisionError" in err
    assert "'hunter2'" not in err.replace('secret = "hunter2"', "")


def test_only_known_fields_are_bound():
    with pytest.raises(TypeError, match="brnach"), logs.bound(brnach="b1"):
        pass


def test_a_hop_keeps_the_trace_and_has_a_span_of_its_own():
    child = tracing.child_of(SENT)
    assert tracing.trace_id(child) == tracing.trace_id(SENT)
    assert child.split("-")[2] != SENT.split("-")[2]
    assert child.endswith("-01")
    assert tracing.child_of(SENT[:-2] + "00").endswith("-00")


@pytest.mark.parametrize(
    "sent", [None, "", "x", SENT.upper(), "00-" + "0" * 32 + SENT[35:], SENT.replace("00-", "ff-")]
)
def test_without_a_trace_a_new_one_begins(sent):
    first, second = tracing.child_of(sent), tracing.child_of(sent)
    assert tracing.parse(first)
    assert tracing.trace_id(first) != tracing.trace_id(second)


def test_the_patch_is_quiet_and_may_be_asked_for_again():
    code = (
        "from shared.bus.eventlet_patch import patch; patch(); patch(); import eventlet.patcher, psycopg; "
        "print(eventlet.patcher.is_monkey_patched('socket'), psycopg.waiting.wait.__module__)"
    )
    out, err = run(code)
    assert out.split() == ["True", "shared.bus.eventlet_patch"]
    assert err == ""
