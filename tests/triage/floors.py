"""What is remembered of how often somebody was overtaken, beside what the tables say (T12)."""

from services.triage.store.floor import Floor, read_floor
from shared.storage import Transaction
from tests.triage.lobby import BRANCH


def remembers_the_counts(tx: Transaction) -> bool:
    """Assert that each count that is remembered is the tables'; return whether there is any."""
    tables = read_floor(tx.connection, BRANCH)
    known = tx.recall(BRANCH, Floor, lambda: tables)
    remembered = [ticket_id for ticket_id in known.standing if ticket_id in known.counts]
    for ticket_id in remembered:
        mine, theirs = known.count(ticket_id), tables.count(ticket_id)
        assert mine is not None
        assert theirs is not None
        assert (mine.business, mine.times, mine.guarded) == (theirs.business, theirs.times, theirs.guarded), ticket_id
    return bool(remembered)
