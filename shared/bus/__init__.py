"""How events travel: the relay that publishes a log, the consumers that read in batches.

The nameko extensions are loaded when they are asked for, so that reading the topology or a message
doesn't load nameko.
"""

import warnings
from typing import TYPE_CHECKING, Any

# Eventlet announces its end at every import; nameko 2 knows no other hub.
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated", category=DeprecationWarning)

if TYPE_CHECKING:
    from shared.bus.entrypoints import Batch, OrdersProvider, StorageProvider, event_batches, every

__all__ = ["Batch", "OrdersProvider", "StorageProvider", "event_batches", "every"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from shared.bus import entrypoints

    return getattr(entrypoints, name)
