"""How events travel: the relay that publishes a log, the consumers that read in batches.

The nameko extensions are loaded when they are asked for, so that reading the topology or a message
doesn't load nameko.
"""

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

# Eventlet announces its end at every import; nameko 2 knows no other hub.
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated", category=DeprecationWarning)

if TYPE_CHECKING:
    from shared.bus.database import Database, StorageProvider
    from shared.bus.event_handlers import on, on_discarded, on_every_event
    from shared.bus.queue_readers import MessageBatch, on_queue
    from shared.bus.timer import every

__all__ = [
    "Database", "MessageBatch", "StorageProvider", "every", "on", "on_discarded", "on_every_event", "on_queue",
]  # fmt: skip

_MODULES: Final = {
    "Database": "database",
    "MessageBatch": "queue_readers",
    "StorageProvider": "database",
    "every": "timer",
    "on": "event_handlers",
    "on_discarded": "event_handlers",
    "on_every_event": "event_handlers",
    "on_queue": "queue_readers",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(name)
    return getattr(import_module(f"shared.bus.{_MODULES[name]}"), name)
