"""Numbers that are drawn, leased and given out without a network (T4)."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import bindparam, delete, func, select

from services.triage.model import Block, PaperReport
from services.triage.store import queries, tables
from services.triage.store.overtakings import Overtakings
from services.triage.store.writing import draw_number

_block, _word = tables.number_block.c, tables.word.c
_BLOCKS = select(tables.number_block).where(
    _block.branch == bindparam("of_branch"), _block.terminal_id == bindparam("of_terminal"),
    _block.business_date == bindparam("day"),
)  # fmt: skip
_of_number = (_word.branch == bindparam("of_branch"), _word.business_date == bindparam("day"),
              _word.number == bindparam("of_number"))  # fmt: skip


class Numbers(Overtakings):
    """The records, with what gives numbers out."""

    def next_number(self, branch: str, day: date, prefix: str, start: int = 1) -> int:
        """Draw the next number of a day's series from ``start`` on; a transaction that fails gives it back."""
        return self.last_of_numbers(branch, day, prefix, start, 1)

    def last_of_numbers(self, branch: str, day: date, prefix: str, start: int, count: int) -> int:
        """Draw so many numbers of a day's series at once, from ``start`` on; return the last of them."""
        known, series = self._floor(branch).numbers, {"branch": branch, "business_date": day, "prefix": prefix}
        if (day, prefix) in known:
            known[day, prefix] += count
            self._put(tables.number_series, {**series, "last": known[day, prefix]})
        else:
            given = {**series, "last": start + count - 1, "count": count}
            known[day, prefix] = self.connection.execute(draw_number(self._one), given).scalar_one()
        return known[day, prefix]

    def blocks_of(self, branch: str, terminal_id: str, day: date) -> Sequence[Block]:
        """Return the blocks that a terminal has for a day."""
        given = {"of_branch": branch, "of_terminal": terminal_id, "day": day}
        rows = self.connection.execute(_BLOCKS, given).mappings()
        return [Block(**{name: value for name, value in row.items() if name != "branch"}) for row in rows]

    def ticket_of_day(self, branch: str, day: date, number: str) -> str | None:
        """Return the id of the ticket that has this number on this day."""
        given = {"of_branch": branch, "day": day, "number": number}
        found: str | None = self.connection.execute(queries.NUMBERED_ON, given).scalar()
        return found

    def keep_report(self, branch: str, report: PaperReport) -> None:
        """Keep what a terminal said of a number; of one kind of report, the earliest time counts."""
        row: dict[str, Any] = {
            "branch": branch, "business_date": report.business_date, "number": report.number, "kind": report.kind,
            "at": report.at,
        }  # fmt: skip
        statement = self._one(tables.word)
        least = func.least if not self._tx.is_sqlite else func.min
        earliest = least(_word.at, statement.excluded.at)
        keys = ["branch", "business_date", "number", "kind"]
        self.connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"at": earliest}), row)

    def take_reports(self, branch: str, day: date, number: str) -> Sequence[PaperReport]:
        """Return what was kept of what was said of a number, and keep it no longer."""
        given = {"of_branch": branch, "day": day, "of_number": number}
        rows = self.connection.execute(select(_word.kind, _word.at).where(*_of_number), given).all()
        self.connection.execute(delete(tables.word).where(*_of_number), given)
        return [PaperReport(number=number, business_date=day, kind=row.kind, at=row.at) for row in rows]
