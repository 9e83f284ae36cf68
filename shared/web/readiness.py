"""Whether the process can do its work now: every check that a container's extensions bring."""

from collections.abc import Callable, Mapping

import eventlet
import structlog

from shared.web.problems import is_away

Check = Callable[[], str | None]
"""Says why not ready, in a few words; ``None`` when ready. Whatever it raises counts as not ready."""

Checks = Mapping[str, Check]

TIMEOUT_S = 2.0

_log = structlog.get_logger(__name__)


def not_ready(checks: Checks) -> dict[str, str]:
    """Run the checks at the same time; return what is not ready, with the reason."""
    threads = {name: eventlet.spawn(_reason, check) for name, check in checks.items()}
    reasons = {name: thread.wait() for name, thread in threads.items()}
    return {name: reason for name, reason in reasons.items() if reason}


def _reason(check: Check) -> str | None:
    try:
        with eventlet.Timeout(TIMEOUT_S):
            return check()
    except eventlet.Timeout:
        return f"no answer within {TIMEOUT_S:g} s"
    except Exception as error:
        _log.warning("readiness_check_failed", exc_info=error)
        return "does not answer" if is_away(error) else "the check failed; see the log"
