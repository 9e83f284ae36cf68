"""How many rows each statement visits: by the plan that PostgreSQL carried out, by the steps that SQLite took."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, event

from shared.storage.engine import is_sqlite

STEPS_A_ROW = 20
"""SQLite's instructions for a row: to look at one takes 5 and more, to insert one with its indexes 100."""
UNWATCHED = "unwatched"
"""An execution option of connections whose statements are not counted."""

_EXPLAINED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


@dataclass
class Visits:
    """The rows that each statement visited at the most in one execution, and its plan where there is one."""

    rows: Counter[str] = field(default_factory=Counter)
    plans: dict[str, str] = field(default_factory=dict)

    def note(self, statement: str, rows: float, plan: str) -> None:
        """Keep the worst execution of a statement."""
        if rows >= self.rows[statement]:
            self.rows[statement] = round(rows)
            self.plans[statement] = plan

    def above(self, limit: int) -> str:
        """Return the statements that visited more rows, with their plans; empty where none did."""
        return "\n\n".join(
            f"{rows} rows: {statement}\n{self.plans[statement]}"
            for statement, rows in self.rows.most_common()
            if rows > limit
        )


@contextmanager
def visits_of(engine: Engine) -> Iterator[Visits]:
    """Watch every statement of an engine."""
    visits = Visits()
    watch = _watch_steps(visits) if is_sqlite(engine) else _watch_plans(visits)
    event.listen(engine, "before_cursor_execute", watch)
    try:
        yield visits
    finally:
        event.remove(engine, "before_cursor_execute", watch)


def _watch_plans(visits: Visits) -> Any:
    """Carry each statement out once more than asked for, with EXPLAIN ANALYZE, and take that back."""

    def watch(connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        driver: Any = connection.connection.dbapi_connection
        if (
            connection.get_execution_options().get(UNWATCHED)
            or driver.autocommit
            or not statement.lstrip("( ").startswith(_EXPLAINED)
        ):
            return
        first = parameters[0] if many else parameters
        cursor = driver.cursor()
        cursor.execute("SAVEPOINT visits")
        try:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", first)
            row = cursor.fetchone()
            assert row is not None
        finally:
            cursor.execute("ROLLBACK TO SAVEPOINT visits")
            cursor.close()
        plan = (row[0] if not isinstance(row[0], str) else json.loads(row[0]))[0]["Plan"]
        visits.note(statement, _rows_of(plan), _drawn(plan))

    return watch


def _rows_of(plan: Mapping[str, Any]) -> float:
    """Return the rows that a plan's scans looked at, also those that they left out."""
    own = 0.0
    if "Scan" in plan["Node Type"] and plan["Node Type"] not in ("Subquery Scan", "CTE Scan", "WorkTable Scan"):
        removed = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        own = (plan["Actual Rows"] + removed) * plan["Actual Loops"]
    return own + sum(map(_rows_of, plan.get("Plans", ())))


def _drawn(plan: Mapping[str, Any], depth: int = 0) -> str:
    place = plan.get("Index Name") or plan.get("Relation Name") or ""
    rows = f"rows {plan['Actual Rows']} × {plan['Actual Loops']}, left out {plan.get('Rows Removed by Filter', 0)}"
    line = f"{'  ' * depth}{plan['Node Type']} {place} {rows}"
    return "\n".join([line, *(_drawn(child, depth + 1) for child in plan.get("Plans", ()))])


def _watch_steps(visits: Visits) -> Any:
    """Count the instructions of SQLite's machine until the connection's next statement."""
    unit = 10 * STEPS_A_ROW

    def watch(
        connection: Connection, _cursor: Any, statement: str, _parameters: Any, _context: Any, _many: bool
    ) -> None:
        driver: Any = connection.connection.dbapi_connection
        current = [statement, 0]
        if connection.get_execution_options().get(UNWATCHED):
            driver.set_progress_handler(None, 0)
            return
        visits.note(statement, 0, "")

        def count() -> int:
            current[1] += 10
            visits.note(current[0], current[1], "")
            return 0

        driver.set_progress_handler(count, unit)

    return watch
