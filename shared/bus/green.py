"""Makes the process cooperative: the first thing that a process which runs nameko containers does.

Import nothing that opens sockets, starts threads or takes locks before calling :func:`patch`.
"""

import os
import warnings

_patched = False


def patch() -> None:
    """Monkey-patch the standard library for eventlet, once; psycopg waits cooperatively from then on.

    psycopg's C implementation blocks the hub while it waits; with ``PSYCOPG_WAIT_FUNC`` it waits in
    ``select``, which eventlet has replaced.
    """
    global _patched
    if _patched:
        return
    _patched = True
    os.environ.setdefault("PSYCOPG_WAIT_FUNC", "wait_selector")
    with warnings.catch_warnings():
        # Eventlet announces its end in a warning at import; nameko 2 knows no other hub.
        warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
        import eventlet
    eventlet.monkey_patch()
