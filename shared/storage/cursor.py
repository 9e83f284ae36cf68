"""A cursor: how far a reader of the log has come, per partition."""

from collections.abc import Mapping

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert_postgresql
from sqlalchemy.dialects.sqlite import insert as upsert_sqlite

from shared.storage.tables import cursor


class Cursor:
    """A named cursor in the database that the reader writes to; absent partitions are at 0."""

    def __init__(self, name: str) -> None:
        """``name`` is unique within the service's database."""
        self.name = name

    def load(self, connection: Connection) -> dict[int, int]:
        """Return the position of each partition that the reader has begun."""
        rows = connection.execute(select(cursor.c.pp, cursor.c.pos).where(cursor.c.name == self.name))
        return {pp: pos for pp, pos in rows}

    def save(self, connection: Connection, positions: Mapping[int, int]) -> None:
        """Move the cursor to these positions, in the caller's transaction."""
        if not positions:
            return
        insert = upsert_sqlite if connection.dialect.name == "sqlite" else upsert_postgresql
        statement = insert(cursor)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["name", "pp"], set_={"pos": statement.excluded.pos}),
            [{"name": self.name, "pp": pp, "pos": pos} for pp, pos in sorted(positions.items())],
        )
