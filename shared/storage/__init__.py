"""The log of a service and everything that is committed together with it.

One transaction holds the inbox row, the appended events and the changed state; everything that
leaves the service is a cursor over the log.
"""

from shared.storage.log import Cursor, LogReader, Row
from shared.storage.storage import Storage, open_storage
from shared.storage.transaction import Transaction

__all__ = ["Cursor", "LogReader", "Row", "Storage", "Transaction", "open_storage"]
