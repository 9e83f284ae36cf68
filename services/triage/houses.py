"""The house of each branch: its time zone, and the policy that it is run by now (T2, T3, T6).

The bank's file becomes a branch's policy by an event in the branch's log: with its first transaction, and
again when the file says something else. What the log says goes; so a branch has one policy, whatever
process serves it, and a file that is wrong changes nothing.
"""

from hashlib import sha256
from pathlib import Path

import orjson
import structlog
from sqlalchemy import Connection

from services.triage.errors import PolicyFileUnusable, TicketNotFound
from services.triage.handlers import House, adopt, policy_view, set_overrides
from services.triage.handlers.governing import InForce
from services.triage.policy_file import Document, Effective, InvalidPolicy, default, policy_of
from services.triage.policy_file import PolicySet as Book
from services.triage.policy_file import load_policy_set as load_book
from services.triage.store import GoverningDesk, Records, policies_governed, policy_in_force, policy_version
from shared.contracts.events import triage
from shared.contracts.http.triage import PolicyView
from shared.contracts.registry import type_of
from shared.settings import Settings
from shared.storage import Storage, Transaction

log = structlog.get_logger()


TICKETS = 100_000
"""How many tickets' branches are remembered."""


POLICY_CHANGED = type_of(triage.PolicyChanged)


class Houses:
    """Gives a transaction the house of its branch: one short statement at most, and nothing is parsed twice."""

    def __init__(self, settings: Settings) -> None:
        """Read the bank's file, if there is one; what is wrong with it is logged and told by :attr:`problem`."""
        self.problem: str | None = None
        self._zone = settings.default_timezone
        self._file = settings.policy
        self._book: Book | None = None
        self._read_digest = ""
        self._known: dict[str, House] = {}
        self._settled: set[str] = set()
        self._refused: dict[str, str] = {}
        self._all_settled = False
        self._branch_of: dict[str, str] = {}
        self.reload()

    def enter(self, tx: Transaction, branch: str) -> House:
        """Return the branch's house; record its policy first where the branch has none, or the file another."""
        house = tx.recall(branch, House, lambda: self.seen(tx.connection, branch))
        if branch in self._settled and house.version:
            return house
        tx.forget(branch, House)
        return self._settle(tx, branch, house)

    def seen(self, connection: Connection, branch: str) -> House:
        """Return the branch's house as it is, for looking."""
        version = policy_version(connection, branch)
        known = self._known.get(branch)
        return known if known is not None and version and known.version == version else self._look(connection, branch)

    def branch_of(self, storage: Storage, ticket_id: str) -> str:
        """Return the branch of a ticket, which never changes; raise TicketNotFound."""
        branch = self._branch_of.get(ticket_id)
        if branch is None:
            with storage.read() as connection:
                branch = Records(connection).branch_of(ticket_id)
            if branch is None:
                raise TicketNotFound(f"no ticket has the id {ticket_id!r}")
            self.saw(ticket_id, branch)
        return branch

    def saw(self, ticket_id: str, branch: str) -> None:
        """Remember a ticket's branch; the oldest is forgotten."""
        if len(self._branch_of) >= TICKETS:
            del self._branch_of[next(iter(self._branch_of))]
        self._branch_of[ticket_id] = branch

    def view(self, connection: Connection, branch: str) -> PolicyView:
        """Return the branch's policy with since when and where it is from."""
        problem = self.problem or self._refused.get(branch)
        return policy_view(branch, policy_in_force(connection, branch), self.book, problem)

    def set(self, tx: Transaction, branch: str, text: bytes, by: str) -> PolicyView:
        """Set what the branch does differently; raise InvalidPolicy, and PolicyFileUnusable for the bank's file."""
        if self._book is None:
            raise PolicyFileUnusable("the bank's policy file cannot be used; mend it first", problem=self.problem)
        desk = GoverningDesk(tx, self.enter(tx, branch).policy)
        tx.forget(branch, House)
        set_overrides(desk, self._book, branch=branch, text=text, by=by)
        self._refused.pop(branch, None)
        return self.view(tx.connection, branch)

    def refresh(self, storage: Storage) -> None:
        """Read the file again if it changed, and let every branch that has a policy follow it."""
        self.reload()
        if self._book is None or self._all_settled:
            return
        with storage.read() as connection:
            governed = policies_governed(connection)
        for branch, digest, overrides in governed:
            if self._digest_of(branch, overrides) != digest:
                with storage.transaction(branch) as tx:
                    self.enter(tx, branch)
            else:
                self._settled.add(branch)
        self._all_settled = True

    @property
    def book(self) -> Book:
        """The bank's policies; the default while its file has never been usable."""
        return self._book or default()

    def reload(self) -> None:
        """Read the bank's file if it is another than before; one that is wrong is reported once, and not used."""
        found = _digest(self._file)
        if found == self._read_digest:
            return
        self._read_digest = found
        try:
            self._book, self.problem = load_book(self._file), None
        except InvalidPolicy as error:
            self.problem = error.detail
            _complain("policy_file_refused", error, file=str(self._file))
            return
        log.info("policy_file_read", file=str(self._file or "default"))
        self._settled, self._all_settled = set(), False

    def _settle(self, tx: Transaction, branch: str, known: House) -> House:
        """Let the branch follow the file. It counts as settled once a later look finds nothing to do."""
        if self._book is None and known.version:
            return known  # the file is wrong: what the log says goes on
        before = policy_in_force(tx.connection, branch)
        overrides = {} if before is None else before.overrides
        effective = self._effective(branch, overrides)
        if effective is None or (before is not None and before.digest == effective.digest):
            if not any(row.type == POLICY_CHANGED and row.branch == branch for row in tx.appended):
                self._settled.add(branch)  # it is committed
            return known
        with tx.apart():
            adopt(GoverningDesk(tx, effective.policy), branch, effective, source=self.book.source, overrides=overrides)
        return self._look(tx.connection, branch)

    def _effective(self, branch: str, overrides: Document) -> Effective | None:
        """Return what the file makes of a branch; None where the branch's own exceptions don't fit it any more."""
        try:
            effective = self.book.with_overrides(branch, orjson.dumps(overrides))[1]
        except InvalidPolicy as error:
            if self._refused.get(branch) != error.detail:
                _complain("policy_overrides_refused", error, branch=branch)
            self._refused[branch] = error.detail
            return None
        self._refused.pop(branch, None)
        return effective

    def _digest_of(self, branch: str, overrides: str) -> str | None:
        effective = self._effective(branch, orjson.loads(overrides))
        return None if effective is None else effective.digest

    def _look(self, connection: Connection, branch: str) -> House:
        house = self._house(branch, policy_in_force(connection, branch))
        self._known[branch] = house
        return house

    def _house(self, branch: str, in_force: InForce | None) -> House:
        if in_force is None:
            effective = self.book.of(branch)
            return House(zone=self._zone, policy=effective.policy, digest=effective.digest)
        policy = policy_of(in_force.document)
        return House(zone=self._zone, policy=policy, version=in_force.version, digest=in_force.digest)


def _digest(file: Path | None) -> str:
    """Return what tells one content of the file from another, or why it can't be read."""
    if file is None:
        return "default"
    try:
        return sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        return f"unreadable: {error.strerror}"


def _complain(what: str, error: InvalidPolicy, **more: str) -> None:
    """Log where the policy is wrong; where our code was then is nobody's business."""
    log.error(what, problem=error.detail, **more)
