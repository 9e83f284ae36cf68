"""The bank's policy file as the service follows it (T2, T3, T6).

The bank's file becomes a branch's policy by an event in the branch's log: with its first transaction, and
again when the file says something else. What the log says goes; so a branch has one policy, whatever
process serves it, and a file that is wrong changes nothing.
"""

from hashlib import sha256
from pathlib import Path

import orjson
import structlog

from services.triage.errors import PolicyFileUnusable
from services.triage.handlers import UnitOfWork, adopt, policy_view, set_overrides
from services.triage.model import LobbyState
from services.triage.policy import Policy
from services.triage.policy_file import Document, Effective, InvalidPolicy, PolicySet, default, load_policy_set
from services.triage.store import StoredUnitOfWork, policies_followed
from shared.contracts.http.triage import PolicyView
from shared.settings import Settings
from shared.storage import Storage, Transaction

log = structlog.get_logger()


class PolicySource:
    """Hands out units of work whose branch follows the bank's file; nothing is parsed twice."""

    def __init__(self, settings: Settings) -> None:
        """Read the bank's file, if there is one; what is wrong with it is logged and told by :attr:`problem`."""
        self.problem: str | None = None
        self._file = settings.policy
        self._from_file: PolicySet | None = None
        self._read_digest = ""
        self._followed: dict[str, str] = {}
        self._all_follow = False
        self._refused: dict[str, str] = {}
        self.reload()

    @property
    def policies(self) -> PolicySet:
        """The bank's policies; the default while its file has never been usable."""
        return self._from_file or default()

    def unit_of_work(self, storage: Storage, tx: Transaction, branch: str) -> UnitOfWork:
        """Return a branch's unit of work; it follows the file first, where the file says something else."""
        uow = StoredUnitOfWork(storage, tx, branch)
        in_force = uow.state.in_force
        if in_force is None or self._followed.get(branch) != in_force.digest:
            with tx.without_causation():  # who waits for an answer must not take this for it
                self._follow(uow)
        return uow

    def policy_before(self, branch: str) -> Policy:
        """Return the policy of a branch that has none recorded yet."""
        return self.policies.of(branch).policy

    def view(self, branch: str, state: LobbyState) -> PolicyView:
        """Return the branch's policy with since when and where it is from."""
        return policy_view(branch, state.in_force, self.policies, self.problem or self._refused.get(branch))

    def set(self, uow: UnitOfWork, text: bytes, by: str) -> PolicyView:
        """Set what the branch does differently; raise InvalidPolicy, and PolicyFileUnusable for the bank's file."""
        if self._from_file is None:
            raise PolicyFileUnusable("the bank's policy file cannot be used; mend it first", problem=self.problem)
        set_overrides(uow, self._from_file, text=text, by=by)
        self._refused.pop(uow.branch, None)
        return self.view(uow.branch, uow.state)

    def refresh(self, storage: Storage) -> None:
        """Read the file again if it changed, and let every branch that has a policy follow it."""
        self.reload()
        if self._from_file is None or self._all_follow:
            return
        with storage.read() as connection:
            known = policies_followed(connection)
        for branch, digest, overrides in known:
            effective = self._effective(branch, orjson.loads(overrides))
            if effective is None or effective.digest != digest:
                with storage.transaction(branch) as tx:
                    self.unit_of_work(storage, tx, branch)
        self._all_follow = True

    def reload(self) -> None:
        """Read the bank's file if it is another than before; one that is wrong is reported once, and not used."""
        found = _digest(self._file)
        if found == self._read_digest:
            return
        self._read_digest = found
        try:
            self._from_file, self.problem = load_policy_set(self._file), None
        except InvalidPolicy as error:
            self.problem = error.detail
            _complain("policy_file_refused", error, file=str(self._file))
            return
        log.info("policy_file_read", file=str(self._file or "default"))
        self._followed, self._all_follow = {}, False

    def _follow(self, uow: UnitOfWork) -> None:
        """Let the branch follow the file. It counts as done once a later look finds that nothing is to be done."""
        before = uow.state.in_force
        if self._from_file is None and before is not None:
            return  # the file is wrong: what the log says goes on
        overrides = {} if before is None else before.overrides
        effective = self._effective(uow.branch, overrides)
        if effective is None or before is None or before.digest != effective.digest:
            if effective is not None:
                adopt(uow, effective, source=self.policies.source, overrides=overrides)
            elif before is not None:
                self._followed[uow.branch] = before.digest
            return
        self._followed[uow.branch] = effective.digest

    def _effective(self, branch: str, overrides: Document) -> Effective | None:
        """Return what the file makes of a branch; None where the branch's own exceptions don't fit it any more."""
        try:
            effective = self.policies.with_overrides(branch, orjson.dumps(overrides))[1]
        except InvalidPolicy as error:
            if self._refused.get(branch) != error.detail:
                _complain("policy_overrides_refused", error, branch=branch)
            self._refused[branch] = error.detail
            return None
        self._refused.pop(branch, None)
        return effective


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
