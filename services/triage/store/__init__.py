"""The tables of triage, and the records that its use cases read and write."""

from services.triage.store.appointments import Appointments
from services.triage.store.desk import Desk
from services.triage.store.governing import GoverningDesk, policies_governed, policy_in_force, policy_version
from services.triage.store.ledger import Ledger
from services.triage.store.records import Records
from services.triage.store.tables import metadata
from services.triage.store.watch import Due, WatchDesk

__all__ = [
    "Appointments", "Desk", "Due", "GoverningDesk", "Ledger", "Records", "WatchDesk", "metadata",
    "policies_governed", "policy_in_force", "policy_version",
]  # fmt: skip
