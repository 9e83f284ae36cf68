"""Which policy each branch is run by: a projection that answers for all branches at once."""

import orjson
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from services.triage.store.tables import branch_policy
from shared.contracts.events.triage import PolicyChanged


def policies_followed(connection: Connection) -> list[tuple[str, str, str]]:
    """Return every branch that has a recorded policy, with its digest and the branch's own exceptions as JSON."""
    return [(row.branch, row.digest, row.overrides) for row in connection.execute(select(branch_policy))]


def keep_policy(connection: Connection, branch: str, changed: PolicyChanged) -> None:
    """Note which policy a branch is run by from now on."""
    insert = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
    row = {"branch": branch, "digest": changed.digest, "overrides": orjson.dumps(changed.overrides).decode()}
    statement = insert(branch_policy)
    changes = {"digest": statement.excluded.digest, "overrides": statement.excluded.overrides}
    connection.execute(statement.on_conflict_do_update(index_elements=["branch"], set_=changes), row)
